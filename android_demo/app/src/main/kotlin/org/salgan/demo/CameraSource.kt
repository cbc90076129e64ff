package org.salgan.demo

import android.content.Context
import android.graphics.ImageFormat
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraCaptureSession
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraManager
import android.hardware.camera2.CaptureRequest
import android.hardware.display.DisplayManager
import android.media.Image
import android.media.ImageReader
import android.os.Handler
import android.os.HandlerThread
import android.os.Looper
import android.util.Size
import android.view.Display
import android.view.Surface
import java.util.concurrent.ExecutorService
import kotlin.math.abs

/** The device has no camera that gives frames. */
class NoCameraException : Exception()

/**
 * The back camera's frames, the newest only: whatever arrives while one is consumed supersedes what waits.
 *
 * Made, started and closed on the main thread; a closed one cannot be started again.
 *
 * @param consumer the thread on which frames are consumed
 * @param consume takes a frame and by how many degrees it must be turned clockwise to be upright on the display
 * @param onLost called on the main thread when the camera cannot be had, or is taken away
 * @throws NoCameraException
 */
class CameraSource(
    context: Context,
    private val consumer: ExecutorService,
    consume: (Image, Int) -> Unit,
    private val onLost: () -> Unit,
) : AutoCloseable {
    private val manager = context.getSystemService(CameraManager::class.java)
    private val display = context.getSystemService(DisplayManager::class.java).getDisplay(Display.DEFAULT_DISPLAY)
    private val main = Handler(Looper.getMainLooper())
    private val id: String
    private val reader: ImageReader
    private val frames: NewestOnly<Image>

    @Volatile
    private var closed = false

    // Of the camera's thread.
    private var device: CameraDevice? = null

    init {
        val (id, camera, size) = choose(manager) ?: throw NoCameraException()
        this.id = id
        val sensor = camera[CameraCharacteristics.SENSOR_ORIENTATION] ?: 0
        val facing = camera[CameraCharacteristics.LENS_FACING]
        // The display is asked for each frame: no one is told when it is turned upside down.
        frames = NewestOnly(consumer) { consume(it, rotation(sensor, facing, display.rotation)) }
        // One that is consumed, one that waits, and one that supersedes it.
        reader = ImageReader.newInstance(size.width, size.height, ImageFormat.YUV_420_888, 3)
        reader.setOnImageAvailableListener({ it.acquireNextImage()?.let(frames::offer) }, handler)
    }

    fun start() = losing {
        manager.openCamera(id, object : CameraDevice.StateCallback() {
            override fun onOpened(camera: CameraDevice) {
                if (closed) return camera.close()
                device = camera
                losing { startSession(camera) }
            }

            override fun onDisconnected(camera: CameraDevice) = lose(camera)

            override fun onError(camera: CameraDevice, error: Int) = lose(camera)

            private fun lose(camera: CameraDevice) {
                camera.close()
                device = null
                reportLoss()
            }
        }, handler)
    }

    // SessionConfiguration, its successor, is younger than the oldest Android that the app runs on.
    @Suppress("DEPRECATION")
    private fun startSession(camera: CameraDevice) {
        val request = camera.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW).apply {
            addTarget(reader.surface)
            set(CaptureRequest.CONTROL_AF_MODE, CaptureRequest.CONTROL_AF_MODE_CONTINUOUS_PICTURE)
        }.build()
        camera.createCaptureSession(listOf(reader.surface), object : CameraCaptureSession.StateCallback() {
            override fun onConfigured(session: CameraCaptureSession) {
                if (device != null) losing { session.setRepeatingRequest(request, null, handler) }
            }

            override fun onConfigureFailed(session: CameraCaptureSession) = reportLoss()
        }, handler)
    }

    /** Whatever the camera service throws means the same here: there is no camera for now. */
    private fun losing(work: () -> Unit) {
        try {
            work()
        } catch (_: CameraAccessException) {
            reportLoss()
        } catch (_: SecurityException) {
            reportLoss()
        } catch (_: IllegalStateException) {
            reportLoss()
        } catch (_: IllegalArgumentException) {
            reportLoss()
        }
    }

    private fun reportLoss() {
        main.post { if (!closed) onLost() }
    }

    override fun close() {
        closed = true
        frames.close()
        handler.post {
            device?.close()
            device = null
        }
        // After the frame that is consumed, for its memory goes with the reader; and not while the next is acquired.
        consumer.execute { handler.post(reader::close) }
    }

    companion object {
        private const val WANTED_PIXELS = 640 * 480

        // One for the life of the process: callbacks of a camera that closes still come when nobody waits for them.
        private val handler by lazy { Handler(HandlerThread("camera").apply { start() }.looper) }

        private fun choose(manager: CameraManager): Triple<String, CameraCharacteristics, Size>? = try {
            manager.cameraIdList
                .map { it to manager.getCameraCharacteristics(it) }
                .sortedBy { (_, camera) ->
                    camera[CameraCharacteristics.LENS_FACING] != CameraCharacteristics.LENS_FACING_BACK
                }
                .firstNotNullOfOrNull { (id, camera) ->
                    camera[CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP]
                        ?.getOutputSizes(ImageFormat.YUV_420_888)
                        ?.let(::sizeOf)
                        ?.let { Triple(id, camera, it) }
                }
        } catch (_: CameraAccessException) {
            null
        } catch (_: IllegalArgumentException) {
            // It was unplugged meanwhile.
            null
        }

        /** The model sees 320 × 256 pixels: a small frame is enough, and converted in a few milliseconds. */
        fun sizeOf(sizes: Array<Size>): Size? = sizes.minByOrNull { abs(it.width * it.height - WANTED_PIXELS) }

        /** By how many degrees a frame must be turned clockwise to be upright on the display. */
        fun rotation(sensor: Int, facing: Int?, display: Int): Int {
            val turned = when (display) {
                Surface.ROTATION_90 -> 90
                Surface.ROTATION_180 -> 180
                Surface.ROTATION_270 -> 270
                else -> 0
            }
            // A front camera looks the other way, and so turns the other way.
            val sign = if (facing == CameraCharacteristics.LENS_FACING_FRONT) 1 else -1
            return (sensor + sign * turned + 360) % 360
        }
    }
}
