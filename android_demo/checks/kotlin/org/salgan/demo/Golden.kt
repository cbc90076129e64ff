package org.salgan.demo

import java.io.ByteArrayInputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder
import javax.imageio.ImageIO
import kotlin.math.abs
import org.junit.Assert.assertEquals

/** What `checks/goldens.py` made. */
object Golden {
    fun bytes(name: String): ByteArray =
        checkNotNull(javaClass.getResourceAsStream("/golden/$name")) { "no golden $name" }.use { it.readBytes() }

    fun floats(name: String): FloatArray {
        val buffer = ByteBuffer.wrap(bytes(name)).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
        return FloatArray(buffer.remaining()).also(buffer::get)
    }

    /** The channels of a PNG, pixel by pixel: one for a grey picture, three for RGB. */
    fun png(name: String): ByteArray {
        val raster = ImageIO.read(ByteArrayInputStream(bytes(name))).raster
        return raster.getPixels(0, 0, raster.width, raster.height, null as IntArray?).toBytes()
    }
}

fun IntArray.toBytes() = ByteArray(size) { this[it].toByte() }

/** Red, green and blue of each pixel. */
fun rgbOf(argb: IntArray) =
    ByteArray(3 * argb.size) { (argb[it / 3] shr (16 - 8 * (it % 3))).toByte() }

fun pixelsOf(rgb: ByteArray, width: Int) = Pixels().apply {
    resize(width, rgb.size / 3 / width)
    for (i in argb.indices) {
        fun channel(c: Int) = rgb[3 * i + c].toInt() and 0xff
        argb[i] = (0xff shl 24) or (channel(0) shl 16) or (channel(1) shl 8) or channel(2)
    }
}

/** How far two arrays of unsigned bytes are apart, at each place. */
fun distances(expected: ByteArray, found: ByteArray): IntArray {
    assertEquals(expected.size, found.size)
    return IntArray(expected.size) { abs((expected[it].toInt() and 0xff) - (found[it].toInt() and 0xff)) }
}
