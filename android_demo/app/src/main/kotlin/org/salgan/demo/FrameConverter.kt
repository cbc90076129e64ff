package org.salgan.demo

import android.media.Image

/**
 * Turns a camera's YUV_420_888 frame into upright RGB, whatever strides the camera chose (NV12, NV21, planar, padded).
 *
 * Colours are JFIF's (BT.601, full range), which cameras deliver; the numbers are those of OpenCV's `COLOR_YCrCb2RGB`,
 * to the bit. Nothing is allocated while the size of the frames stays the same. For one thread.
 */
class FrameConverter {
    private var luma = ByteArray(0)
    private var blue = ByteArray(0)
    private var red = ByteArray(0)

    /**
     * @param rotation by how many degrees the frame must be turned clockwise to be upright: 0, 90, 180 or 270
     * @param into takes the upright frame, and its size
     */
    fun convert(frame: Image, rotation: Int, into: Pixels) {
        val width = frame.width
        val height = frame.height
        if (rotation % 180 == 0) into.resize(width, height) else into.resize(height, width)
        // Where the frame's first pixel comes to lie, and how far away its neighbours to the right and below do.
        val origin: Int
        val right: Int
        val below: Int
        when (rotation) {
            0 -> { origin = 0; right = 1; below = width }
            90 -> { origin = height - 1; right = height; below = -1 }
            180 -> { origin = width * height - 1; right = -1; below = -width }
            270 -> { origin = (width - 1) * height; right = -height; below = 1 }
            else -> throw IllegalArgumentException("A frame is turned by a multiple of 90 degrees, not by $rotation")
        }
        val (y, u, v) = frame.planes
        val chromaWidth = (width + 1) / 2
        luma = luma.ofSize((width - 1) * y.pixelStride + 1)
        blue = blue.ofSize((chromaWidth - 1) * u.pixelStride + 1)
        red = red.ofSize((chromaWidth - 1) * v.pixelStride + 1)
        for (row in 0 until height) {
            y.copyRow(row, luma)
            if (row % 2 == 0) {
                u.copyRow(row / 2, blue)
                v.copyRow(row / 2, red)
            }
            convertRow(width, y.pixelStride, u.pixelStride, v.pixelStride, into.argb, origin + row * below, right)
        }
    }

    private fun convertRow(
        width: Int, lumaStride: Int, blueStride: Int, redStride: Int, argb: IntArray, first: Int, step: Int,
    ) {
        var at = first
        for (column in 0 until width) {
            val y = luma[column * lumaStride].toInt() and 0xff
            val cb = (blue[column / 2 * blueStride].toInt() and 0xff) - 128
            val cr = (red[column / 2 * redStride].toInt() and 0xff) - 128
            val r = y + (CR_TO_R * cr + HALF shr SHIFT)
            val g = y + (CB_TO_G * cb + CR_TO_G * cr + HALF shr SHIFT)
            val b = y + (CB_TO_B * cb + HALF shr SHIFT)
            argb[at] = OPAQUE or (r.coerceIn(0, 255) shl 16) or (g.coerceIn(0, 255) shl 8) or b.coerceIn(0, 255)
            at += step
        }
    }

    private companion object {
        const val OPAQUE = 0xff shl 24
        const val SHIFT = 14
        const val HALF = 1 shl (SHIFT - 1)
        // 1.403, -0.714, -0.344 and 1.773 in units of 2^-14.
        const val CR_TO_R = 22987
        const val CR_TO_G = -11698
        const val CB_TO_G = -5636
        const val CB_TO_B = 29049

        fun ByteArray.ofSize(size: Int) = if (this.size == size) this else ByteArray(size)

        /** One copy of a whole row: byte for byte, reading a direct buffer is many times slower. */
        fun Image.Plane.copyRow(row: Int, into: ByteArray) {
            buffer.position(row * rowStride)
            buffer.get(into)
        }
    }
}
