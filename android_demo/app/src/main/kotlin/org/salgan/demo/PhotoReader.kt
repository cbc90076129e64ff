package org.salgan.demo

import android.content.ContentResolver
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Matrix
import android.media.ExifInterface
import android.net.Uri
import java.io.IOException
import java.io.InputStream

/** Reads photographs upright, on white, and no larger than a screen shows: 50 megapixels do not fit an app's memory. */
class PhotoReader(private val resolver: ContentResolver) {
    /** @throws IOException it is gone, may not be read any more, or is no picture */
    fun read(photo: Uri, into: Pixels) {
        val bounds = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        open(photo) { BitmapFactory.decodeStream(it, null, bounds) }
        if (bounds.outWidth < 1 || bounds.outHeight < 1) throw IOException("no picture")
        val options = BitmapFactory.Options().apply {
            inSampleSize = sampleSize(bounds.outWidth, bounds.outHeight)
            inPreferredConfig = Bitmap.Config.ARGB_8888
        }
        val decoded = open(photo) { BitmapFactory.decodeStream(it, null, options) } ?: throw IOException("damaged")
        val orientation = open(photo) {
            ExifInterface(it).getAttributeInt(ExifInterface.TAG_ORIENTATION, ExifInterface.ORIENTATION_NORMAL)
        }
        val upright = Bitmap.createBitmap(decoded, 0, 0, decoded.width, decoded.height, upright(orientation), false)
        into.resize(upright.width, upright.height)
        upright.getPixels(into.argb, 0, upright.width, 0, 0, upright.width, upright.height)
        if (upright.hasAlpha()) layOnWhite(into.argb)
    }

    private fun <T> open(photo: Uri, read: (InputStream) -> T): T = try {
        (resolver.openInputStream(photo) ?: throw IOException("gone")).use(read)
    } catch (error: RuntimeException) {
        // Another app's code gives the file; a lost permission is a SecurityException, and others come as they like.
        throw IOException(error)
    }

    companion object {
        private const val MOST_PIXELS = 4_000_000L
        private const val LONGEST_SIDE = 4096

        /** The power of two by which a picture is reduced while it is decoded. */
        fun sampleSize(width: Int, height: Int): Int {
            var size = 1
            while (
                (width / size).toLong() * (height / size) > MOST_PIXELS || maxOf(width, height) / size > LONGEST_SIDE
            ) {
                size *= 2
            }
            return size
        }

        private fun upright(orientation: Int) = Matrix().apply {
            when (orientation) {
                ExifInterface.ORIENTATION_ROTATE_90, ExifInterface.ORIENTATION_TRANSPOSE -> setRotate(90f)
                ExifInterface.ORIENTATION_ROTATE_180, ExifInterface.ORIENTATION_FLIP_VERTICAL -> setRotate(180f)
                ExifInterface.ORIENTATION_ROTATE_270, ExifInterface.ORIENTATION_TRANSVERSE -> setRotate(270f)
            }
            when (orientation) {
                ExifInterface.ORIENTATION_FLIP_HORIZONTAL, ExifInterface.ORIENTATION_FLIP_VERTICAL,
                ExifInterface.ORIENTATION_TRANSPOSE, ExifInterface.ORIENTATION_TRANSVERSE -> postScale(-1f, 1f)
            }
        }

        private fun layOnWhite(argb: IntArray) {
            for (i in argb.indices) {
                val alpha = argb[i] ushr 24
                fun blend(shift: Int): Int {
                    val color = argb[i] shr shift and 0xff
                    return (color * alpha + 255 * (255 - alpha) + 127) / 255 shl shift
                }
                argb[i] = (0xff shl 24) or blend(16) or blend(8) or blend(0)
            }
        }
    }
}
