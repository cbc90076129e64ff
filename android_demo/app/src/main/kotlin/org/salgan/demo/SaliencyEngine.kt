package org.salgan.demo

import android.os.Handler
import android.os.Looper
import java.io.IOException
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors
import java.util.concurrent.LinkedBlockingQueue

/** Where a picture came from. */
enum class Source { CAMERA, PHOTO }

/** A picture and its map: `saliency` is `mapHeight` × `mapWidth` values over the whole of `picture`. */
class Analysis {
    val picture = Pixels()
    var source = Source.CAMERA
    var mapWidth = 0
    var mapHeight = 0
    var saliency = FloatArray(0)
    /** What the model took, with the reading of its output. */
    var milliseconds = 0f
}

/**
 * Runs the model on pictures, on the one thread that owns it, and tells the listener on the main thread.
 *
 * The model is opened and warmed up first: whatever is analysed waits for it. There are two analyses, one to be looked
 * at while the next is made; a screen that is slower than the model makes it wait. It outlives rotations of the screen.
 */
class SaliencyEngine(openModel: () -> SaliencyModel) : AutoCloseable {
    /** Called on the main thread. */
    interface Listener {
        /** The analysis is used again after this call. */
        fun onAnalysis(analysis: Analysis)

        fun onUnreadablePicture(source: Source)

        fun onUnusableModel(reason: String)
    }

    /** Of the main thread, like [unusable]. */
    var listener: Listener? = null
    var unusable: String? = null
        private set

    /** The model's thread: what feeds it works there too. */
    val executor: ExecutorService = Executors.newSingleThreadExecutor { Thread(it, "model") }
    private val main = Handler(Looper.getMainLooper())
    private val free = LinkedBlockingQueue(listOf(Analysis(), Analysis()))

    /** Of the model's thread; none before the model is open, and none if it cannot be used. */
    private var loaded: Loaded? = null

    init {
        executor.execute {
            guarded {
                val model = openModel()
                loaded = Loaded(model)
                // The first runs allocate and pack weights: nobody should wait for them, or see their milliseconds.
                val size = model.width * model.height
                repeat(2) { model.run(ByteArray(3 * size), FloatArray(size)) }
            }
        }
    }

    /**
     * Analyses a picture; call it on [executor].
     *
     * @param read fills in the picture; an IOException says that it cannot be read
     */
    fun analyze(source: Source, read: (Pixels) -> Unit) {
        val loaded = loaded ?: return
        val analysis = free.take()
        var ready = false
        try {
            read(analysis.picture)
            guarded {
                loaded.analyze(analysis)
                ready = true
            }
        } catch (_: IOException) {
            main.post { listener?.onUnreadablePicture(source) }
        }
        if (!ready) {
            free.put(analysis)
            return
        }
        analysis.source = source
        main.post {
            listener?.onAnalysis(analysis)
            free.put(analysis)
        }
    }

    /** A model that fails is closed, and never asked again. */
    private fun guarded(work: () -> Unit) {
        val reason = try {
            return work()
        } catch (error: UnusableModelException) {
            error.message.orEmpty()
        } catch (error: IllegalArgumentException) {
            // LiteRT throws these two when a file is valid and still cannot be run.
            error.toString()
        } catch (error: IllegalStateException) {
            error.toString()
        }
        closeModel()
        main.post {
            unusable = reason
            listener?.onUnusableModel(reason)
        }
    }

    private fun closeModel() {
        loaded?.model?.close()
        loaded = null
    }

    /** The model is closed after what is running and waiting; nothing can be analysed after this. */
    override fun close() {
        listener = null
        executor.execute(::closeModel)
        executor.shutdown()
    }

    /** The model, and what it needs of its size. */
    private class Loaded(val model: SaliencyModel) {
        private val resizer = AreaResizer(model.width, model.height)
        private val rgb = ByteArray(model.width * model.height * 3)

        fun analyze(analysis: Analysis) {
            analysis.mapWidth = model.width
            analysis.mapHeight = model.height
            if (analysis.saliency.size != model.width * model.height) {
                analysis.saliency = FloatArray(model.width * model.height)
            }
            resizer.resize(analysis.picture, rgb)
            val start = System.nanoTime()
            model.run(rgb, analysis.saliency)
            analysis.milliseconds = (System.nanoTime() - start) / 1e6f
        }
    }
}
