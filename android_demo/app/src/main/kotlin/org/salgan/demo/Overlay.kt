package org.salgan.demo

import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Paint
import android.graphics.Rect

/** A picture and its heat map, ready to be drawn at any size: on the screen, and into the picture that is shared. */
class Overlay(colors: IntArray) {
    var picture: Bitmap? = null
        private set
    private var heat: Bitmap? = null
    private var saliency = FloatArray(0)
    private var painted = IntArray(0)

    /** 256 opaque colours. */
    var colors = colors
        set(value) {
            field = value
            paint()
        }

    /** Of the heat map where most look, 0 to 1. */
    var opacity = STANDARD_OPACITY

    private val smooth = Paint(Paint.FILTER_BITMAP_FLAG)
    private val veil = Paint()

    /** Copies what it is given: the bitmaps are of the main thread alone. */
    fun show(analysis: Analysis) {
        val from = analysis.picture
        picture = bitmap(picture, from.width, from.height).apply {
            setPixels(from.argb, 0, from.width, 0, 0, from.width, from.height)
        }
        if (saliency.size != analysis.saliency.size) {
            saliency = FloatArray(analysis.saliency.size)
            painted = IntArray(analysis.saliency.size)
        }
        analysis.saliency.copyInto(saliency)
        heat = bitmap(heat, analysis.mapWidth, analysis.mapHeight)
        paint()
    }

    fun clear() {
        picture = null
        heat = null
    }

    private fun paint() {
        val heat = heat ?: return
        Heatmap.paint(saliency, colors, painted)
        heat.setPixels(painted, 0, heat.width, 0, 0, heat.width, heat.height)
    }

    fun draw(canvas: Canvas, where: Rect) {
        val picture = picture ?: return
        val heat = heat ?: return
        smooth.alpha = 255
        canvas.drawBitmap(picture, null, where, smooth)
        veil.alpha = (DIMMING * 255 * (opacity / STANDARD_OPACITY).coerceAtMost(1f) + 0.5f).toInt()
        canvas.drawRect(where, veil)
        smooth.alpha = (255 * opacity + 0.5f).toInt()
        canvas.drawBitmap(heat, null, where, smooth)
    }

    /** A picture of its own, at the size of the photograph. */
    fun render(): Bitmap? = picture?.let {
        val rendered = Bitmap.createBitmap(it.width, it.height, Bitmap.Config.ARGB_8888)
        draw(Canvas(rendered), Rect(0, 0, it.width, it.height))
        rendered
    }

    private fun bitmap(old: Bitmap?, width: Int, height: Int): Bitmap {
        if (old?.width == width && old.height == height) return old
        return Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888)
    }

    companion object {
        /** With these two it is the overlay of `salgan_tf.visualization`; without heat the picture is not dimmed. */
        const val STANDARD_OPACITY = 0.65f
        private const val DIMMING = 0.2f
    }
}
