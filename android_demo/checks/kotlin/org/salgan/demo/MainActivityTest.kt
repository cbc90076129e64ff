package org.salgan.demo

import android.Manifest
import android.app.Activity
import android.content.Context
import android.content.ContextWrapper
import android.content.Intent
import android.content.pm.PackageManager
import android.graphics.BitmapFactory
import android.graphics.Color
import android.net.Uri
import android.os.Bundle
import android.os.Looper
import android.os.ParcelFileDescriptor
import android.provider.OpenableColumns
import android.provider.Settings
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.LinearLayout
import android.widget.RadioButton
import android.widget.SeekBar
import android.widget.TextView
import java.io.FileNotFoundException
import java.util.concurrent.TimeUnit
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNotSame
import org.junit.Assert.assertNull
import org.junit.Assert.assertSame
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.util.ReflectionHelpers
import org.robolectric.util.ReflectionHelpers.ClassParameter

/** The activity in the hands of a user, and of what a phone does to it. */
class Screen(state: Bundle? = null) {
    var controller: ActivityController<MainActivity> = Robolectric.buildActivity(MainActivity::class.java)
        private set
    val activity: MainActivity get() = controller.get()

    val engine: SaliencyEngine get() = activity.onRetainNonConfigurationInstance()

    init {
        controller = if (state == null) controller.setup() else controller.setup(state)
    }

    fun <T : View> find(id: Int): T = activity.findViewById(id)
    fun text(id: Int) = find<TextView>(id).text.toString()
    fun isShown(id: Int) = find<View>(id).isShown
    val notice get() = if (isShown(R.id.notice)) text(R.id.notice_text) else null
    fun string(id: Int, vararg arguments: Any) = activity.getString(id, *arguments)

    /** Until the model's thread has done what it was given, and what it told was shown. */
    fun settle() {
        // Twice: what is shown may give the model's thread more to do.
        repeat(2) {
            val done = engine.executor.submit {}
            while (!done.isDone) {
                shadowOf(Looper.getMainLooper()).idle()
                Thread.sleep(1)
            }
            shadowOf(Looper.getMainLooper()).idle()
        }
    }

    fun click(id: Int) {
        find<View>(id).performClick()
        settle()
    }

    /** Comes back from the picker with a photograph. */
    fun pick(photo: Uri) {
        val asked = shadowOf(activity).nextStartedActivityForResult
        shadowOf(activity).receiveResult(asked.intent, Activity.RESULT_OK, Intent().setData(photo))
        controller.pause().resume()
        settle()
    }

    /** The camera gives a frame. */
    fun frame(color: Int) {
        engine.executor.execute { engine.analyze(Source.CAMERA) { it.resize(480, 640); it.argb.fill(color) } }
        settle()
    }

    val center get() = checkNotNull(find<SaliencyView>(R.id.picture).overlay).run {
        opacity = 0f
        render()?.run { getPixel(width / 2, height / 2) }
    }
}

@RunWith(RobolectricTestRunner::class)
class MainActivityTest {
    private val app = TestApplication.current
    private val photo = Uri.parse("content://photos/1")
    private val screens = mutableListOf<Screen>()

    private fun screen(state: Bundle? = null) = Screen(state).also(screens::add).also { it.settle() }

    private fun withCamera() {
        addCamera()
        shadowOf(app).grantPermissions(Manifest.permission.CAMERA)
    }

    private fun offerPhoto(bytes: ByteArray = Golden.bytes("photo.jpg")) =
        shadowOf(app.contentResolver).registerInputStreamSupplier(photo, bytes::inputStream)

    private fun Screen.choosePhoto() {
        click(R.id.photo)
        click(R.id.choose)
        pick(photo)
    }

    private fun Screen.answer(granted: Boolean) {
        val answer = if (granted) PackageManager.PERMISSION_GRANTED else PackageManager.PERMISSION_DENIED
        if (granted) shadowOf(app).grantPermissions(Manifest.permission.CAMERA)
        val result = Intent()
            .putExtra(PackageManager.EXTRA_REQUEST_PERMISSIONS_NAMES, arrayOf(Manifest.permission.CAMERA))
            .putExtra(PackageManager.EXTRA_REQUEST_PERMISSIONS_RESULTS, intArrayOf(answer))
        ReflectionHelpers.callInstanceMethod<Unit>(
            Activity::class.java, activity, "dispatchRequestPermissionsResult",
            ClassParameter.from(Int::class.java, 0), ClassParameter.from(Intent::class.java, result),
        )
        controller.pause().resume()
        settle()
    }

    private fun requested(screen: Screen) =
        shadowOf(screen.activity).lastRequestedPermission?.requestedPermissions?.toList()

    @After
    fun destroy() = screens.forEach { if (!it.activity.isDestroyed) it.controller.pause().stop().destroy() }

    @Test
    fun `live, frames are shown with speed and milliseconds`() {
        withCamera()
        val screen = screen()
        assertEquals(screen.string(R.string.starting), screen.notice)
        screen.frame(Color.GREEN)
        assertNull(screen.notice)
        assertEquals(Color.GREEN, screen.center)
        assertTrue(screen.find<View>(R.id.share).isEnabled)
        Thread.sleep(510)
        screen.frame(Color.BLUE)
        assertEquals(Color.BLUE, screen.center)
        assertTrue(screen.text(R.id.status), Regex("\\d+ fps · \\d+ ms").matches(screen.text(R.id.status)))
    }

    @Test
    fun `the camera is asked for once, and a refusal is explained`() {
        addCamera()
        val screen = screen()
        assertEquals(listOf(Manifest.permission.CAMERA), requested(screen))
        screen.answer(granted = false)
        assertEquals(screen.string(R.string.camera_refused), screen.notice)
        assertEquals(screen.string(R.string.allow_camera), screen.text(R.id.notice_action))
        // Android asks no more, as after a second refusal: the settings are opened.
        shadowOf(screen.activity).clearNextStartedActivities()
        screen.click(R.id.notice_action)
        assertEquals(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, shadowOf(screen.activity).nextStartedActivity.action)
        // And there it was allowed.
        shadowOf(app).grantPermissions(Manifest.permission.CAMERA)
        screen.controller.pause().stop().restart().start().resume()
        screen.frame(Color.GREEN)
        assertEquals(Color.GREEN, screen.center)
    }

    @Test
    fun `a first refusal can be taken back in the app`() {
        addCamera()
        val screen = screen()
        screen.answer(granted = false)
        shadowOf(app.packageManager).setShouldShowRequestPermissionRationale(Manifest.permission.CAMERA, true)
        shadowOf(screen.activity).clearNextStartedActivities()
        screen.click(R.id.notice_action)
        val dialog = shadowOf(screen.activity).nextStartedActivity
        assertEquals("android.content.pm.action.REQUEST_PERMISSIONS", dialog.action)
        screen.answer(granted = true)
        screen.frame(Color.GREEN)
        assertEquals(Color.GREEN, screen.center)
    }

    @Test
    fun `photos work without the camera's permission`() {
        offerPhoto()
        val screen = screen()
        screen.answer(granted = false)
        screen.choosePhoto()
        assertNull(screen.notice)
        assertTrue(screen.text(R.id.status), Regex("\\d+ ms").matches(screen.text(R.id.status)))
        assertNotNull(screen.center)
    }

    @Test
    fun `photos work on a device without a camera`() {
        shadowOf(app).grantPermissions(Manifest.permission.CAMERA)
        offerPhoto()
        val screen = screen()
        assertEquals(screen.string(R.string.no_camera), screen.notice)
        screen.choosePhoto()
        assertNull(screen.notice)
    }

    @Test
    fun `photo mode without a photo asks for one, and a picker left empty-handed changes nothing`() {
        val screen = screen()
        screen.click(R.id.photo)
        assertEquals(screen.string(R.string.no_photo), screen.notice)
        screen.click(R.id.notice_action)
        val asked = shadowOf(screen.activity).nextStartedActivityForResult
        assertEquals("image/*", asked.intent.type)
        shadowOf(screen.activity).receiveResult(asked.intent, Activity.RESULT_CANCELED, null)
        assertEquals(screen.string(R.string.no_photo), screen.notice)
    }

    @Test
    fun `a device without a gallery says so`() {
        val screen = screen()
        shadowOf(app).checkActivities(true)
        screen.click(R.id.photo)
        screen.click(R.id.choose)
        assertEquals(screen.string(R.string.no_gallery), screen.notice)
    }

    @Test
    fun `a damaged photo is told, and another can be chosen`() {
        offerPhoto("no picture".toByteArray())
        val screen = screen()
        screen.choosePhoto()
        assertEquals(screen.string(R.string.unreadable), screen.notice)
        offerPhoto()
        screen.click(R.id.notice_action)
        screen.pick(photo)
        assertNull(screen.notice)
    }

    @Test
    fun `a broken model is a readable screen in both modes`() {
        withCamera()
        app.failure = UnusableModelException("it is damaged, or newer than this app")
        val screen = screen()
        val expected = screen.string(R.string.unusable_model, "it is damaged, or newer than this app")
        assertEquals(expected, screen.notice)
        screen.click(R.id.photo)
        assertEquals(expected, screen.notice)
        screen.controller.recreate()
        assertEquals(expected, screen.notice)
        assertEquals("it is not opened again and again", 1, app.opened)
    }

    @Test
    fun `the app without its model says so`() {
        val real = SaliencyApplication().also(::attach)
        val error = assertThrows(UnusableModelException::class.java) { real.openModel() }
        assertEquals("the app was built without saliency.tflite", error.message)
    }

    private fun attach(application: SaliencyApplication) = ReflectionHelpers.callInstanceMethod<Unit>(
        ContextWrapper::class.java, application, "attachBaseContext",
        ClassParameter.from(Context::class.java, app.baseContext),
    )

    @Test
    fun `turning the screen keeps the model, the photo, the mode and the settings`() {
        offerPhoto()
        val screen = screen()
        screen.choosePhoto()
        screen.find<SeekBar>(R.id.opacity).progress = 30
        screen.click(R.id.viridis)
        val (activity, engine) = screen.activity to screen.engine
        RuntimeEnvironment.setQualifiers("+land")
        screen.controller.configurationChange()
        screen.settle()
        assertNotSame(activity, screen.activity)
        assertSame(engine, screen.engine)
        assertEquals(1, app.opened)
        assertNull(screen.notice)
        assertTrue(screen.find<RadioButton>(R.id.photo).isChecked)
        val overlay = checkNotNull(screen.find<SaliencyView>(R.id.picture).overlay)
        assertEquals(0.3f, overlay.opacity, 0f)
        assertEquals(ColorMap.VIRIDIS.colors(app.resources).toList(), overlay.colors.toList())
        val content = screen.find<ViewGroup>(android.R.id.content).getChildAt(0)
        assertEquals("the landscape layout", LinearLayout.HORIZONTAL, (content as LinearLayout).orientation)
    }

    @Test
    fun `after the death of the process the photo comes back`() {
        offerPhoto()
        val first = screen()
        first.choosePhoto()
        val state = Bundle()
        first.controller.pause().stop().saveInstanceState(state).destroy()
        val second = screen(state)
        assertNull(second.notice)
        assertTrue(second.find<RadioButton>(R.id.photo).isChecked)
        assertEquals("the dead process' engine is not the new one's", 2, app.opened)
    }

    @Test
    fun `a permission that was taken away in the background is noticed`() {
        withCamera()
        val screen = screen()
        screen.frame(Color.GREEN)
        screen.controller.pause().stop()
        shadowOf(app).denyPermissions(Manifest.permission.CAMERA)
        screen.controller.restart().start().resume()
        screen.settle()
        assertEquals(screen.string(R.string.camera_refused), screen.notice)
    }

    @Test
    fun `frames that come after the mode changed are not shown`() {
        withCamera()
        val screen = screen()
        screen.frame(Color.GREEN)
        screen.click(R.id.photo)
        screen.frame(Color.BLUE)
        assertEquals(screen.string(R.string.no_photo), screen.notice)
        assertNull(screen.center)
    }

    @Test
    fun `destroyed while the model runs, the activity leaves nothing open`() {
        withCamera()
        val screen = screen()
        val engine = screen.engine
        engine.executor.execute { Thread.sleep(50) }
        engine.executor.execute { engine.analyze(Source.CAMERA) { it.resize(4, 4) } }
        screen.controller.pause().stop().destroy()
        while (!engine.executor.awaitTermination(1, TimeUnit.MILLISECONDS)) shadowOf(Looper.getMainLooper()).idle()
        shadowOf(Looper.getMainLooper()).idle()
        assertTrue(app.interpreter.closed)
    }

    @Test
    fun `the overlay is shared as a picture that other apps can read and not write`() {
        offerPhoto()
        val screen = screen()
        screen.choosePhoto()
        screen.click(R.id.share)
        val chooser = shadowOf(screen.activity).nextStartedActivity
        assertEquals(Intent.ACTION_CHOOSER, chooser.action)
        val send = checkNotNull(chooser.getParcelableExtra<Intent>(Intent.EXTRA_INTENT))
        assertEquals(Intent.ACTION_SEND, send.action)
        assertEquals("image/jpeg", send.type)
        assertTrue(send.flags and Intent.FLAG_GRANT_READ_URI_PERMISSION != 0)
        val uri = checkNotNull(send.getParcelableExtra<Uri>(Intent.EXTRA_STREAM))
        assertEquals(uri, send.clipData?.getItemAt(0)?.uri)
        val provider = Robolectric.setupContentProvider(SharedPicture::class.java)
        val stream = ParcelFileDescriptor.AutoCloseInputStream(provider.openFile(uri, "r"))
        val sent = stream.use(BitmapFactory::decodeStream)
        val original = BitmapFactory.decodeStream(Golden.bytes("photo.jpg").inputStream())
        assertEquals(original.width to original.height, sent.width to sent.height)
        assertFalse("the heat map is in it", sent.sameAs(original))
        provider.query(uri, null, null, null, null).use {
            assertTrue(it.moveToFirst())
            assertEquals("saliency.jpg", it.getString(it.getColumnIndexOrThrow(OpenableColumns.DISPLAY_NAME)))
            assertTrue(it.getLong(it.getColumnIndexOrThrow(OpenableColumns.SIZE)) > 1000)
        }
        assertThrows(FileNotFoundException::class.java) { provider.openFile(uri, "w") }
        val other = Uri.parse("content://org.salgan.demo.shared/../x")
        assertThrows(FileNotFoundException::class.java) { provider.openFile(other, "r") }
    }

    @Test
    fun `nothing is shared while nothing is shown`() {
        val screen = screen()
        screen.click(R.id.photo)
        assertFalse(screen.find<View>(R.id.share).isEnabled)
    }

    @Test
    fun `everything that can be touched has a label and is large enough`() {
        val screen = screen()
        screen.click(R.id.photo)
        val touched = mutableListOf<View>()
        fun collect(view: View) {
            if (view.isShown && (view.isClickable || view is SeekBar)) touched += view
            if (view is ViewGroup) for (i in 0 until view.childCount) collect(view.getChildAt(i))
        }
        collect(screen.activity.window.decorView)
        assertTrue("${touched.size}", touched.size >= 8)
        for (view in touched) {
            val name = view.resources.getResourceName(view.id)
            val label = view.contentDescription ?: (view as? Button)?.text ?: labelFor(screen, view)
            assertTrue("$name has no label", !label.isNullOrBlank())
            val least = 44 * view.resources.displayMetrics.density
            assertTrue("$name is ${view.width} x ${view.height}", view.width >= least && view.height >= least)
        }
    }

    private fun labelFor(screen: Screen, view: View): CharSequence? {
        fun search(root: View): CharSequence? = when {
            root is TextView && root.labelFor == view.id -> root.text
            root is ViewGroup -> (0 until root.childCount).firstNotNullOfOrNull { search(root.getChildAt(it)) }
            else -> null
        }
        return search(screen.activity.window.decorView)
    }
}
