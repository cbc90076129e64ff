package org.salgan.demo

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

/** Draws the screens into `target/screens.jpg`: README.md shows them, and whoever changes a layout looks at them. */
@RunWith(RobolectricTestRunner::class)
class ScreenTest {
    private val app = TestApplication.current
    private val photo = Uri.parse("content://photos/1")

    /** The photograph with the real model's map; or the notice of a refused camera. */
    private fun draw(qualifiers: String, withPhoto: Boolean = true): Bitmap {
        RuntimeEnvironment.setQualifiers(qualifiers)
        shadowOf(app.contentResolver).registerInputStreamSupplier(photo) { Golden.bytes("photo.jpg").inputStream() }
        val screen = Screen()
        if (withPhoto) {
            screen.click(R.id.photo)
            screen.click(R.id.choose)
            screen.pick(photo)
        }
        val root = screen.activity.window.decorView
        val bitmap = Bitmap.createBitmap(root.width, root.height, Bitmap.Config.ARGB_8888)
        root.draw(Canvas(bitmap))
        val stage = screen.find<View>(R.id.picture)
        val share = stage.width * stage.height / (root.width * root.height).toFloat()
        assertTrue("$share of the screen for the picture", share > 1 / 3f)
        screen.controller.pause().stop().destroy()
        return bitmap
    }

    private fun Bitmap.brightness(x: Int, y: Int) = Color.luminance(getPixel(x, y))

    @Test
    fun `light, dark, and without the camera`() {
        val light = draw("w360dp-h720dp-port-notnight-xhdpi")
        val dark = draw("w360dp-h720dp-port-night-xhdpi")
        val refused = draw("w360dp-h720dp-port-notnight-xhdpi", withPhoto = false)
        assertTrue("the light theme", light.brightness(4, light.height - 4) > 0.8)
        assertTrue("the dark theme", dark.brightness(4, dark.height - 4) < 0.1)
        assertTrue("the stage is dark in both", refused.brightness(4, refused.height / 2) < 0.1)
        val gap = 24
        val all = Bitmap.createBitmap(3 * light.width + 2 * gap, light.height, Bitmap.Config.ARGB_8888)
        val canvas = Canvas(all).apply { drawColor(Color.WHITE) }
        listOf(light, dark, refused).forEachIndexed { i, screen ->
            canvas.drawBitmap(screen, i * (light.width + gap).toFloat(), 0f, null)
        }
        val small = Bitmap.createScaledBitmap(all, all.width / 2, all.height / 2, true)
        File("target/screens.jpg").outputStream().use { small.compress(Bitmap.CompressFormat.JPEG, 90, it) }
    }

    @Test
    fun `landscape, there is room for the picture beside the controls`() {
        val screen = draw("w720dp-h360dp-land-notnight-xhdpi")
        assertEquals(1440 to 720, screen.width to screen.height)
    }
}
