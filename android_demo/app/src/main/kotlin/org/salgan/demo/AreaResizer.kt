package org.salgan.demo

import kotlin.math.ceil
import kotlin.math.floor
import kotlin.math.min

/**
 * Resizes a picture to the model's size as `salgan_tf.inference` does, with the numbers of OpenCV's `INTER_AREA`: the
 * mean of the area under each pixel or, where a side is enlarged, interpolation between two pixels.
 *
 * The shape is not kept: the model sees every picture squeezed into its own. Nothing is allocated while the size of the
 * pictures stays the same. For one thread.
 */
class AreaResizer(private val width: Int, private val height: Int) {
    private var fromWidth = 0
    private var fromHeight = 0
    private var columns = Taps(0)
    private var rows = Taps(0)
    private val row = FloatArray(3 * width)
    private val sum = FloatArray(3 * width)

    /** @param rgb takes the resized picture: height × width × 3 bytes */
    fun resize(picture: Pixels, rgb: ByteArray) {
        prepare(picture.width, picture.height)
        for (y in 0 until height) {
            sum.fill(0f)
            for (tap in rows.first[y] until rows.first[y + 1]) {
                resizeRow(picture.argb, rows.source[tap] * picture.width)
                val weight = rows.weight[tap]
                for (i in sum.indices) sum[i] += weight * row[i]
            }
            // To the nearest even number at a half, as OpenCV rounds.
            for (i in sum.indices) rgb[y * sum.size + i] = Math.rint(sum[i].toDouble()).toInt().toByte()
        }
    }

    private fun resizeRow(argb: IntArray, start: Int) {
        for (x in 0 until width) {
            var red = 0f
            var green = 0f
            var blue = 0f
            for (tap in columns.first[x] until columns.first[x + 1]) {
                val pixel = argb[start + columns.source[tap]]
                val weight = columns.weight[tap]
                red += weight * (pixel shr 16 and 0xff)
                green += weight * (pixel shr 8 and 0xff)
                blue += weight * (pixel and 0xff)
            }
            row[3 * x] = red
            row[3 * x + 1] = green
            row[3 * x + 2] = blue
        }
    }

    private fun prepare(fromWidth: Int, fromHeight: Int) {
        if (fromWidth == this.fromWidth && fromHeight == this.fromHeight) return
        this.fromWidth = fromWidth
        this.fromHeight = fromHeight
        // As in OpenCV, one side that is enlarged is enough for both to be interpolated.
        val tapsOf = if (fromWidth < width || fromHeight < height) ::interpolation else ::coverage
        columns = tapsOf(fromWidth, width)
        rows = tapsOf(fromHeight, height)
    }

    /** What each of `size` pixels is made of: taps `first[i]` until `first[i + 1]`, a source and its weight each. */
    private class Taps(size: Int) {
        val first = IntArray(size + 1)
        var source = IntArray(0)
        var weight = FloatArray(0)

        fun fill(at: Int, sources: IntRange, weightOf: (Int) -> Double) {
            source += sources.toList()
            weight += sources.map { weightOf(it).toFloat() }
            first[at + 1] = source.size
        }
    }

    private companion object {
        /** Each source pixel counts by how much of it lies under the resized one. */
        fun coverage(from: Int, to: Int) = Taps(to).apply {
            val scale = from.toDouble() / to
            for (i in 0 until to) {
                val start = i * scale
                val end = min(start + scale, from.toDouble())
                // Slivers below a thousandth are rounding errors, and OpenCV's limit.
                val sources = floor(start + SLIVER).toInt() until ceil(end - SLIVER).toInt()
                fill(i, sources) { (min(it + 1.0, end) - maxOf(it.toDouble(), start)) / (end - start) }
            }
        }

        /** Two neighbours, mixed only where the resized pixel spans both: whole pixels stay sharp. */
        fun interpolation(from: Int, to: Int) = Taps(to).apply {
            val scale = from.toDouble() / to
            for (i in 0 until to) {
                val left = floor(i * scale).toInt()
                val past = (i + 1) - (left + 1) / scale
                val share = if (past <= 0 || left + 1 >= from) 0.0 else past - floor(past)
                fill(i, left..min(left + 1, from - 1)) { if (it == left) 1 - share else share }
            }
        }

        const val SLIVER = 1e-3
    }
}
