package org.salgan.demo

import android.content.res.Resources
import android.graphics.BitmapFactory
import kotlin.math.sqrt

/** The colour maps: OpenCV's tables, each a picture of 256 × 1 pixels that is also its sample on the screen. */
enum class ColorMap(val button: Int, private val table: Int) {
    TURBO(R.id.turbo, R.drawable.turbo),
    INFERNO(R.id.inferno, R.drawable.inferno),
    VIRIDIS(R.id.viridis, R.drawable.viridis);

    /** 256 opaque colours, from where nobody looks to where most do. */
    fun colors(resources: Resources): IntArray {
        val options = BitmapFactory.Options().apply { inScaled = false }
        val strip = BitmapFactory.decodeResource(resources, table, options)
        return IntArray(256).also { strip.getPixels(it, 0, 256, 0, 0, 256, 1) }
    }
}

/** Colours maps of saliency as `salgan_tf.visualization.overlay` does. */
object Heatmap {
    /**
     * Each map is scaled to its own maximum; the square root in the opacity lets faint regions show.
     *
     * @param colors 256 opaque colours
     * @param into takes a colour for each value, transparent where nobody looks
     */
    fun paint(saliency: FloatArray, colors: IntArray, into: IntArray) {
        val peak = saliency.max().coerceAtLeast(Float.MIN_VALUE)
        for (i in saliency.indices) {
            val level = (saliency[i] / peak).coerceIn(0f, 1f)
            val alpha = (255 * sqrt(level) + 0.5f).toInt()
            into[i] = (alpha shl 24) or (colors[Math.rint(255.0 * level).toInt()] and 0xffffff)
        }
    }
}
