package org.salgan.demo

import android.app.Application
import java.io.FileInputStream
import java.io.IOException
import java.nio.channels.FileChannel

open class SaliencyApplication : Application() {
    /**
     * Opens the model among the app's assets, on the thread that will own it.
     *
     * @throws UnusableModelException
     */
    open fun openModel(): SaliencyModel {
        val file = try {
            assets.openFd(MODEL).use { asset ->
                FileInputStream(asset.fileDescriptor).use {
                    it.channel.map(FileChannel.MapMode.READ_ONLY, asset.startOffset, asset.declaredLength)
                }
            }
        } catch (error: IOException) {
            throw UnusableModelException("the app was built without $MODEL", error)
        }
        return SaliencyModel.open(file, modelThreads())
    }

    private companion object {
        const val MODEL = "saliency.tflite"
    }
}
