package org.salgan.demo

import android.content.ContentProvider
import android.content.ContentValues
import android.content.Context
import android.database.Cursor
import android.database.MatrixCursor
import android.graphics.Bitmap
import android.net.Uri
import android.os.ParcelFileDescriptor
import android.provider.OpenableColumns
import java.io.File
import java.io.FileNotFoundException
import java.io.IOException

/**
 * Lends the last shared picture to the app that it is shared with; needs no permission, leaves nothing in the gallery.
 *
 * It does what FileProvider does, which is not of the framework, and serves one file only.
 */
class SharedPicture : ContentProvider() {
    override fun onCreate() = true

    override fun getType(uri: Uri) = MIME_TYPE

    override fun openFile(uri: Uri, mode: String): ParcelFileDescriptor {
        if (uri != URI || mode != "r") throw FileNotFoundException("$uri cannot be opened for $mode")
        return ParcelFileDescriptor.open(file(checkNotNull(context)), ParcelFileDescriptor.MODE_READ_ONLY)
    }

    override fun query(
        uri: Uri, projection: Array<String>?, selection: String?, arguments: Array<String>?, order: String?,
    ): Cursor {
        val columns = projection ?: arrayOf(OpenableColumns.DISPLAY_NAME, OpenableColumns.SIZE)
        val values: List<Any?> = columns.map {
            when (it) {
                OpenableColumns.DISPLAY_NAME -> NAME
                OpenableColumns.SIZE -> file(checkNotNull(context)).length()
                else -> null
            }
        }
        return MatrixCursor(columns).apply { addRow(values) }
    }

    override fun insert(uri: Uri, values: ContentValues?): Uri = throw UnsupportedOperationException()

    override fun update(uri: Uri, values: ContentValues?, selection: String?, arguments: Array<String>?) =
        throw UnsupportedOperationException()

    override fun delete(uri: Uri, selection: String?, arguments: Array<String>?) = throw UnsupportedOperationException()

    companion object {
        const val MIME_TYPE = "image/jpeg"
        private const val NAME = "saliency.jpg"
        val URI: Uri = Uri.parse("content://org.salgan.demo.shared/$NAME")

        private fun file(context: Context) = File(context.cacheDir, NAME)

        /** @throws IOException the disk is full */
        fun write(context: Context, picture: Bitmap) {
            // Renamed when whole: an app that still reads the last one keeps it.
            val part = File(context.cacheDir, "$NAME.part")
            val written = part.outputStream().use { picture.compress(Bitmap.CompressFormat.JPEG, 92, it) }
            if (!written || !part.renameTo(file(context))) throw IOException("$part cannot be written")
        }
    }
}
