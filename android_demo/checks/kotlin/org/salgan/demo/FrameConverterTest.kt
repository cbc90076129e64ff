package org.salgan.demo

import android.graphics.ImageFormat
import android.media.Image
import java.nio.ByteBuffer
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertSame
import org.junit.Assert.assertThrows
import org.junit.Test

class FakeImage(private val width: Int, private val height: Int, private val planes: Array<Plane>) : Image() {
    var closed = false
        private set

    override fun getFormat() = ImageFormat.YUV_420_888
    override fun getWidth() = width
    override fun getHeight() = height
    override fun getTimestamp() = 0L
    override fun getPlanes() = planes
    override fun close() {
        closed = true
    }

    class FakePlane(private val bytes: ByteBuffer, private val rowStride: Int, private val pixelStride: Int) : Plane() {
        override fun getBuffer() = bytes
        override fun getRowStride() = rowStride
        override fun getPixelStride() = pixelStride
    }
}

class FrameConverterTest {
    private val width = 46
    private val height = 30
    private val chroma = width / 2 * (height / 2)
    private val yuv = Golden.bytes("frame.yuv")
    private val luma = yuv.copyOfRange(0, width * height)
    private val blue = yuv.copyOfRange(width * height, width * height + chroma)
    private val red = yuv.copyOfRange(width * height + chroma, yuv.size)
    private val expected = Golden.bytes("frame.rgb")

    /** Values with gaps between rows and pixels, cut off behind the last value, as Android's buffers are. */
    private fun plane(values: ByteArray, width: Int, rowStride: Int, pixelStride: Int = 1): Image.Plane {
        val height = values.size / width
        val bytes = ByteBuffer.allocateDirect((height - 1) * rowStride + (width - 1) * pixelStride + 1)
        for (i in 0 until bytes.capacity()) bytes.put(i, 0x55)
        for (i in values.indices) bytes.put(i / width * rowStride + i % width * pixelStride, values[i])
        return FakeImage.FakePlane(bytes, rowStride, pixelStride)
    }

    private fun planar(lumaStride: Int, chromaStride: Int) = FakeImage(
        width, height,
        arrayOf(plane(luma, width, lumaStride)) + listOf(blue, red).map { plane(it, width / 2, chromaStride) },
    )

    /** Both chroma planes in one buffer, `first` before the other one: NV12 with blue first, NV21 with red. */
    private fun interleaved(first: ByteArray, second: ByteArray, rowStride: Int): List<Image.Plane> {
        val bytes = ByteBuffer.allocateDirect(height / 2 * rowStride)
        for (y in 0 until height / 2) for (x in 0 until width / 2) {
            bytes.put(y * rowStride + 2 * x, first[y * width / 2 + x])
            bytes.put(y * rowStride + 2 * x + 1, second[y * width / 2 + x])
        }
        return listOf(0, 1).map { start ->
            val end = bytes.capacity() - rowStride + width - 1 + start
            val part = bytes.duplicate().apply { position(start).limit(end) }.slice()
            FakeImage.FakePlane(part, rowStride, 2)
        }
    }

    private fun assertGolden(frame: Image) {
        val pixels = Pixels()
        FrameConverter().convert(frame, 0, pixels)
        assertEquals(width, pixels.width)
        assertEquals(height, pixels.height)
        assertArrayEquals(expected, rgbOf(pixels.argb))
    }

    @Test
    fun `planar frames are OpenCV's, to the bit`() = assertGolden(planar(width, width / 2))

    @Test
    fun `padded rows of odd lengths are OpenCV's, to the bit`() = assertGolden(planar(width + 17, width / 2 + 5))

    @Test
    fun `NV21 frames are OpenCV's, to the bit`() {
        val (v, u) = interleaved(red, blue, width + 18)
        assertGolden(FakeImage(width, height, arrayOf(plane(luma, width, width + 18), u, v)))
    }

    @Test
    fun `NV12 frames are OpenCV's, to the bit`() {
        val (u, v) = interleaved(blue, red, width)
        assertGolden(FakeImage(width, height, arrayOf(plane(luma, width, width), u, v)))
    }

    @Test
    fun `a luma plane with gaps between its pixels is OpenCV's, to the bit`() = assertGolden(
        FakeImage(width, height, arrayOf(
            plane(luma, width, 2 * width + 3, 2), plane(blue, width / 2, width, 2), plane(red, width / 2, 2 * width, 3),
        )),
    )

    @Test
    fun `frames are turned clockwise`() {
        for (rotation in listOf(0, 90, 180, 270)) {
            val pixels = Pixels()
            FrameConverter().convert(planar(width, width / 2), rotation, pixels)
            val turned = rgbOf(pixels.argb)
            val sideways = rotation % 180 != 0
            assertEquals(if (sideways) height else width, pixels.width)
            assertEquals(if (sideways) width else height, pixels.height)
            for (y in 0 until height) for (x in 0 until width) {
                val (toX, toY) = when (rotation) {
                    90 -> height - 1 - y to x
                    180 -> width - 1 - x to height - 1 - y
                    270 -> y to width - 1 - x
                    else -> x to y
                }
                for (c in 0..2) assertEquals(
                    "$rotation degrees, ($x, $y)",
                    expected[3 * (y * width + x) + c], turned[3 * (toY * pixels.width + toX) + c],
                )
            }
        }
    }

    @Test
    fun `odd sizes have a chroma column and row of their own`() {
        val frame = FakeImage(3, 3, arrayOf(
            plane(ByteArray(9) { 100 }, 3, 3),
            plane(ByteArray(4) { 128.toByte() }, 2, 2),
            plane(byteArrayOf(128.toByte(), 200.toByte(), 128.toByte(), 128.toByte()), 2, 2),
        ))
        val pixels = Pixels()
        FrameConverter().convert(frame, 0, pixels)
        val reds = rgbOf(pixels.argb).filterIndexed { i, _ -> i % 3 == 0 }.map { it.toInt() and 0xff }
        assertEquals(listOf(100, 100, 201, 100, 100, 201, 100, 100, 100), reds)
    }

    @Test
    fun `frames of one size share one array`() {
        val converter = FrameConverter()
        val pixels = Pixels()
        converter.convert(planar(width, width / 2), 0, pixels)
        val first = pixels.argb
        converter.convert(planar(width, width / 2), 90, pixels)
        assertSame(first, pixels.argb)
    }

    @Test
    fun `an oblique rotation is refused`() {
        val frame = planar(width, width / 2)
        assertThrows(IllegalArgumentException::class.java) { FrameConverter().convert(frame, 45, Pixels()) }
    }
}
