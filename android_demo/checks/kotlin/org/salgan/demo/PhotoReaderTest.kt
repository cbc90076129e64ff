package org.salgan.demo

import android.graphics.Bitmap
import android.graphics.Color
import android.net.Uri
import java.io.ByteArrayOutputStream
import java.io.IOException
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf

@RunWith(RobolectricTestRunner::class)
class PhotoReaderTest {
    private val resolver = RuntimeEnvironment.getApplication().contentResolver
    private val uri = Uri.parse("content://photos/1")

    private fun read(bytes: ByteArray): Pixels {
        shadowOf(resolver).registerInputStreamSupplier(uri, bytes::inputStream)
        return Pixels().also { PhotoReader(resolver).read(uri, it) }
    }

    @Test
    fun `every orientation of EXIF is turned upright`() {
        val corners = listOf(0xdc2828, 0x28c83c, 0x3246d2, 0xe6d246)
        for (orientation in 1..8) {
            val photo = read(Golden.bytes("orientation_$orientation.jpg"))
            assertEquals("$orientation", 64 to 48, photo.width to photo.height)
            val found = listOf(12 to 12, 52 to 12, 12 to 36, 52 to 36).map { (x, y) -> photo.argb[y * 64 + x] }
            for ((expected, color) in corners.zip(found)) {
                val apart = distances(rgbOf(intArrayOf(expected)), rgbOf(intArrayOf(color))).max()
                assertTrue("$orientation: ${Integer.toHexString(color)}", apart <= 4)
            }
        }
    }

    @Test
    fun `what is see-through lies on white, as in salgan_tf, within one level`() {
        val photo = read(Golden.bytes("see_through.png"))
        val distances = distances(Golden.bytes("see_through.rgb"), rgbOf(photo.argb))
        assertTrue("${distances.max()}", distances.max() <= 1)
        assertTrue(photo.argb.all { Color.alpha(it) == 255 })
    }

    @Test
    fun `large photographs are reduced while they are decoded`() {
        assertEquals(1, PhotoReader.sampleSize(1, 1))
        assertEquals(1, PhotoReader.sampleSize(2000, 2000))
        assertEquals(4, PhotoReader.sampleSize(8192, 6144)) // 50 megapixels
        assertEquals(8, PhotoReader.sampleSize(16320, 12240)) // 200 megapixels
        assertEquals(16, PhotoReader.sampleSize(60000, 40))
        val wide = Bitmap.createBitmap(6000, 900, Bitmap.Config.ARGB_8888).apply { eraseColor(Color.MAGENTA) }
        val stream = ByteArrayOutputStream().also { wide.compress(Bitmap.CompressFormat.PNG, 100, it) }
        val photo = read(stream.toByteArray())
        assertEquals(3000 to 450, photo.width to photo.height)
        assertTrue(photo.argb.all { it == Color.MAGENTA })
    }

    @Test
    fun `what is no photograph is an IOException`() {
        val photo = Golden.bytes("photo.jpg")
        for (bytes in listOf(ByteArray(0), "no picture".toByteArray(), photo.copyOf(100))) {
            assertThrows(IOException::class.java) { read(bytes) }
        }
    }

    @Test
    fun `a lost permission is an IOException`() {
        shadowOf(resolver).registerInputStreamSupplier(uri) { throw SecurityException("no permission for $uri") }
        assertThrows(IOException::class.java) { PhotoReader(resolver).read(uri, Pixels()) }
    }
}
