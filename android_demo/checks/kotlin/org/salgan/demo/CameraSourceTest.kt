package org.salgan.demo

import android.Manifest
import android.graphics.ImageFormat
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraManager
import android.os.HandlerThread
import android.os.Looper
import android.util.Size
import android.view.Surface
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.shadows.ShadowCameraCharacteristics
import org.robolectric.shadows.StreamConfigurationMapBuilder

/** A camera among the device's, which opens and gives no frames: Robolectric has none to give. */
fun addCamera(format: Int = ImageFormat.YUV_420_888) {
    val camera = ShadowCameraCharacteristics.newCameraCharacteristics()
    val sizes = StreamConfigurationMapBuilder.newBuilder().addOutputSize(format, Size(640, 480)).build()
    shadowOf(camera).set(CameraCharacteristics.LENS_FACING, CameraCharacteristics.LENS_FACING_BACK)
    shadowOf(camera).set(CameraCharacteristics.SENSOR_ORIENTATION, 90)
    shadowOf(camera).set(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP, sizes)
    shadowOf(RuntimeEnvironment.getApplication().getSystemService(CameraManager::class.java)).addCamera("0", camera)
}

@RunWith(RobolectricTestRunner::class)
class CameraSourceTest {
    private val app = RuntimeEnvironment.getApplication()
    private val executor = Executors.newSingleThreadExecutor()
    private var lost = 0

    private fun source() = CameraSource(app, executor, { _, _ -> }) { lost++ }

    @After
    fun shutDown() = executor.shutdown()

    @Test
    fun `frames are turned by what sensor and display are turned apart`() {
        val back = CameraCharacteristics.LENS_FACING_BACK
        val front = CameraCharacteristics.LENS_FACING_FRONT
        val displays = listOf(Surface.ROTATION_0, Surface.ROTATION_90, Surface.ROTATION_180, Surface.ROTATION_270)
        assertEquals(listOf(90, 0, 270, 180), displays.map { CameraSource.rotation(90, back, it) })
        assertEquals(listOf(270, 0, 90, 180), displays.map { CameraSource.rotation(270, front, it) })
        assertEquals(listOf(0, 270, 180, 90), displays.map { CameraSource.rotation(0, null, it) })
    }

    @Test
    fun `the size nearest to VGA is taken`() {
        val sizes = arrayOf(Size(4000, 3000), Size(1280, 720), Size(640, 480), Size(320, 240))
        assertEquals(Size(640, 480), CameraSource.sizeOf(sizes))
        assertEquals(Size(1280, 720), CameraSource.sizeOf(sizes.copyOf(2).requireNoNulls()))
        assertEquals(null, CameraSource.sizeOf(emptyArray()))
    }

    @Test
    fun `no camera, or none that gives frames, is an exception`() {
        assertThrows(NoCameraException::class.java) { source() }
        addCamera(format = ImageFormat.RAW_SENSOR)
        assertThrows(NoCameraException::class.java) { source() }
    }

    @Test
    fun `a camera that goes away is told once, and not after closing`() {
        addCamera()
        val manager = shadowOf(app.getSystemService(CameraManager::class.java))
        shadowOf(app).grantPermissions(Manifest.permission.CAMERA)
        val source = source()
        source.start()
        settle()
        assertEquals(0, lost)
        manager.triggerDisconnect()
        settle()
        assertEquals(1, lost)
        source.close()
        val closed = source()
        closed.start()
        settle()
        closed.close()
        manager.triggerDisconnect()
        settle()
        assertEquals(1, lost)
    }

    @Test
    fun `closed while it opens, it neither fails nor tells`() {
        addCamera()
        val source = source()
        source.start()
        source.close()
        executor.shutdown()
        settle()
        assertTrue("nothing is left to do for the model's thread", executor.awaitTermination(10, TimeUnit.SECONDS))
        assertEquals(0, lost)
    }

    private fun settle() {
        val threads = Thread.getAllStackTraces().keys.filterIsInstance<HandlerThread>()
        threads.filter { it.name == "camera" }.forEach { shadowOf(it.looper).idle() }
        shadowOf(Looper.getMainLooper()).idle()
    }
}
