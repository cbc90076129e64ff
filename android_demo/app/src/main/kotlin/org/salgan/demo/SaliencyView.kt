package org.salgan.demo

import android.content.Context
import android.graphics.Canvas
import android.graphics.Rect
import android.util.AttributeSet
import android.view.View
import kotlin.math.min
import kotlin.math.roundToInt

/** Shows an overlay whole, in its own shape, in the middle. */
class SaliencyView(context: Context, attributes: AttributeSet) : View(context, attributes) {
    /** Whoever changes it calls [invalidate]. */
    var overlay: Overlay? = null
    private val where = Rect()

    override fun onDraw(canvas: Canvas) {
        val overlay = overlay ?: return
        val picture = overlay.picture ?: return
        fit(picture.width, picture.height)
        overlay.draw(canvas, where)
    }

    private fun fit(pictureWidth: Int, pictureHeight: Int) {
        val scale = min(width.toFloat() / pictureWidth, height.toFloat() / pictureHeight)
        val fittedWidth = (pictureWidth * scale).roundToInt()
        val fittedHeight = (pictureHeight * scale).roundToInt()
        val left = (width - fittedWidth) / 2
        val top = (height - fittedHeight) / 2
        where.set(left, top, left + fittedWidth, top + fittedHeight)
    }
}
