package org.salgan.demo

import android.Manifest
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.net.Uri
import android.view.View
import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf

/** Draws the screen into `target/screens/`, for README.md and for whoever changes a layout. */
@RunWith(RobolectricTestRunner::class)
class ScreenTest {
    private val app = TestApplication.current

    /** The photograph with the real model's map, or the notice of a refused camera. */
    private fun draw(name: String, qualifiers: String, photo: Boolean = true): Bitmap {
        RuntimeEnvironment.setQualifiers(qualifiers)
        val uri = Uri.parse("content://photos/1")
        shadowOf(app.contentResolver).registerInputStreamSupplier(uri) { Golden.bytes("photo.jpg").inputStream() }
        shadowOf(app).denyPermissions(Manifest.permission.CAMERA)
        val screen = Screen()
        if (photo) {
            screen.click(R.id.photo)
            screen.click(R.id.choose)
            screen.pick(uri)
        }
        val root = screen.activity.window.decorView
        val bitmap = Bitmap.createBitmap(root.width, root.height, Bitmap.Config.ARGB_8888)
        root.draw(Canvas(bitmap))
        val file = File("target/screens/$name.png").apply { parentFile?.mkdirs() }
        file.outputStream().use { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) }
        val stage = screen.find<View>(R.id.picture)
        assertTrue("there is room for the picture: ${stage.width} x ${stage.height}", stage.width * stage.height > root.width * root.height / 3)
        screen.controller.pause().stop().destroy()
        return bitmap
    }

    private fun Bitmap.brightness(x: Int, y: Int) = Color.luminance(getPixel(x, y))

    @Test
    fun `portrait, light`() {
        val screen = draw("portrait", "w360dp-h720dp-port-notnight-xhdpi")
        assertEquals(720 to 1440, screen.width to screen.height)
        assertTrue(screen.brightness(4, screen.height - 4) > 0.8)
    }

    @Test
    fun `portrait, dark`() {
        val screen = draw("portrait-night", "w360dp-h720dp-port-night-xhdpi")
        assertTrue(screen.brightness(4, screen.height - 4) < 0.1)
    }

    @Test
    fun `landscape`() {
        val screen = draw("landscape", "w720dp-h360dp-land-notnight-xhdpi")
        assertEquals(1440 to 720, screen.width to screen.height)
    }

    @Test
    fun `the camera is refused`() {
        draw("refused", "w360dp-h720dp-port-notnight-xhdpi", photo = false)
    }
}
