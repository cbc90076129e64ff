package org.salgan.demo

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

class AreaResizerTest {
    private val sizes = listOf(64 to 48, 80 to 60, 65 to 41, 32 to 100, 20 to 70, 90 to 10, 5 to 7, 32 to 24, 1 to 1)

    /** The picture that `goldens.py` made of the same formula. */
    private fun picture(width: Int, height: Int) = pixelsOf(
        ByteArray(3 * width * height) {
            val (x, y, channel) = Triple(it / 3 % width, it / 3 / width, it % 3)
            (37 * x + 91 * y + 53 * channel + x * y * (channel + 1)).toByte()
        },
        width,
    )

    private fun resize(resizer: AreaResizer, width: Int, height: Int) =
        ByteArray(3 * 32 * 24).also { resizer.resize(picture(width, height), it) }

    @Test
    fun `the model's input is salgan_tf's within one level, and to the bit in 99 of 100 places where it shrinks`() {
        for ((width, height) in sizes) {
            val resized = resize(AreaResizer(32, 24), width, height)
            val distances = distances(Golden.bytes("resized_${width}x$height.rgb"), resized)
            assertTrue("$width x $height: ${distances.max()} levels", distances.max() <= 1)
            val places = distances.size / if (width >= 32 && height >= 24) 100 else 5
            assertTrue("$width x $height: ${distances.sum()} of ${distances.size}", distances.sum() <= places)
        }
    }

    @Test
    fun `a picture of the model's size is not changed`() =
        assertArrayEquals(rgbOf(picture(32, 24).argb), resize(AreaResizer(32, 24), 32, 24))

    @Test
    fun `sizes may change from picture to picture`() {
        val resizer = AreaResizer(32, 24)
        for ((width, height) in sizes + sizes.reversed()) {
            assertArrayEquals(resize(AreaResizer(32, 24), width, height), resize(resizer, width, height))
        }
    }

    @Test
    fun `a photograph is resized as in Python`() {
        // From the size at which the app decodes it, by Java's decoder: the decoders differ, the resizing does not.
        val image = javax.imageio.ImageIO.read(Golden.bytes("photo.jpg").inputStream())
        val photograph = Pixels().apply {
            resize(image.width, image.height)
            image.getRGB(0, 0, width, height, argb, 0, width)
        }
        val resized = ByteArray(3 * 256 * 192)
        AreaResizer(256, 192).resize(photograph, resized)
        val distances = distances(Golden.png("photo_resized.png"), resized)
        assertEquals(0.0, distances.average(), 0.5)
        assertTrue("${distances.max()} levels", distances.max() <= 8)
    }
}
