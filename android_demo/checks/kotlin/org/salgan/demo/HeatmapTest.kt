package org.salgan.demo

import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Rect
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment

@RunWith(RobolectricTestRunner::class)
class HeatmapTest {
    private val resources = RuntimeEnvironment.getApplication().resources
    private val saliency = Golden.floats("heat.f32")
    private val picture = pixelsOf(Golden.bytes("heat_picture.rgb"), 32)

    private fun overlay(map: ColorMap) = Overlay(map.colors(resources)).apply {
        show(Analysis().apply {
            picture.resize(32, 32)
            this@HeatmapTest.picture.argb.copyInto(picture.argb)
            saliency = this@HeatmapTest.saliency
            mapWidth = 32
            mapHeight = 32
        })
    }

    private fun pixels(bitmap: Bitmap) = IntArray(bitmap.width * bitmap.height).also {
        bitmap.getPixels(it, 0, bitmap.width, 0, 0, bitmap.width, bitmap.height)
    }

    @Test
    fun `colours are OpenCV's, to the bit`() {
        val painted = IntArray(saliency.size)
        Heatmap.paint(saliency, ColorMap.INFERNO.colors(resources), painted)
        assertArrayEquals(Golden.bytes("heat_inferno.rgb"), rgbOf(painted))
    }

    @Test
    fun `the colour maps are three, from dark to light or to red`() {
        val ends = ColorMap.entries.map { map -> map.colors(resources).let { it.first() to it.last() } }
        val opencv = listOf(0xff30123b to 0xff7a0403, 0xff000004 to 0xfffcffa4, 0xff440154 to 0xfffde725)
        assertEquals(opencv.map { (low, high) -> low.toInt() to high.toInt() }, ends)
    }

    @Test
    fun `the overlay is salgan_tf's, within two levels`() {
        val drawn = rgbOf(pixels(checkNotNull(overlay(ColorMap.TURBO).render())))
        val distances = distances(Golden.bytes("heat_overlay.rgb"), drawn)
        assertTrue("${distances.max()} levels", distances.max() <= 2)
    }

    @Test
    fun `without opacity the photograph is as it was`() {
        val drawn = overlay(ColorMap.TURBO).apply { opacity = 0f }.render()
        assertArrayEquals(picture.argb, pixels(checkNotNull(drawn)))
    }

    @Test
    fun `a map of zeros is transparent`() {
        val painted = IntArray(4)
        Heatmap.paint(FloatArray(4), ColorMap.TURBO.colors(resources), painted)
        assertArrayEquals(IntArray(4), painted.map(Color::alpha).toIntArray())
    }

    @Test
    fun `a new colour map is painted at once`() {
        val overlay = overlay(ColorMap.TURBO)
        overlay.colors = ColorMap.VIRIDIS.colors(resources)
        assertTrue(overlay.render()!!.sameAs(overlay(ColorMap.VIRIDIS).render()))
    }

    @Test
    fun `the map covers the picture, however large each is drawn`() {
        val overlay = Overlay(IntArray(256) { Color.RED }).apply {
            opacity = 1f
            show(Analysis().apply {
                picture.resize(40, 30)
                picture.argb.fill(Color.BLUE)
                saliency = floatArrayOf(1f, 0f)
                mapWidth = 2
                mapHeight = 1
            })
        }
        val screen = Bitmap.createBitmap(100, 80, Bitmap.Config.ARGB_8888)
        overlay.draw(Canvas(screen), Rect(10, 10, 90, 70))
        assertEquals(Color.RED, screen.getPixel(11, 40))
        assertEquals(0, Color.red(screen.getPixel(88, 40)))
        assertEquals("nothing is drawn beside it", 0, screen.getPixel(9, 40))
    }
}
