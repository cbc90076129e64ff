package org.salgan.demo

import android.Manifest
import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.ClipData
import android.content.Intent
import android.content.pm.PackageManager
import android.media.Image
import android.net.Uri
import android.os.Bundle
import android.provider.Settings
import android.view.View
import android.widget.Button
import android.widget.ImageButton
import android.widget.RadioGroup
import android.widget.SeekBar
import android.widget.TextView
import android.widget.Toast
import java.io.IOException

/** Decides what is shown: the camera or a photograph, or why there is neither. */
class MainActivity : Activity(), SaliencyEngine.Listener {
    private lateinit var engine: SaliencyEngine
    private lateinit var overlay: Overlay
    private lateinit var view: SaliencyView
    private lateinit var notice: View
    private lateinit var noticeText: TextView
    private lateinit var noticeAction: Button
    private lateinit var status: TextView
    private lateinit var mode: RadioGroup
    private lateinit var share: ImageButton
    private lateinit var choose: View
    private val converter = FrameConverter()
    private var meter = SpeedMeter()
    private var camera: CameraSource? = null
    private var photo: Uri? = null
    private var shownPhoto: Uri? = null
    private var asked = false
    private var resumed = false

    private val source get() = if (mode.checkedRadioButtonId == R.id.live) Source.CAMERA else Source.PHOTO

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        setContentView(R.layout.main)
        photo = state?.getString(PHOTO)?.let(Uri::parse)
        asked = state?.getBoolean(ASKED) ?: false
        // It comes along when the screen is turned: opening the model takes longer than that should.
        engine = lastNonConfigurationInstance as SaliencyEngine?
            ?: SaliencyEngine((application as SaliencyApplication)::openModel)
        engine.listener = this
        bindViews()
    }

    private fun bindViews() {
        overlay = Overlay(ColorMap.TURBO.colors(resources))
        view = findViewById(R.id.picture)
        view.overlay = overlay
        notice = findViewById(R.id.notice)
        noticeText = findViewById(R.id.notice_text)
        noticeAction = findViewById(R.id.notice_action)
        status = findViewById(R.id.status)
        share = findViewById(R.id.share)
        share.setOnClickListener { share() }
        choose = findViewById(R.id.choose)
        choose.setOnClickListener { choosePhoto() }
        mode = findViewById(R.id.mode)
        // These keep what was chosen when the activity is made anew, and tell it again.
        mode.setOnCheckedChangeListener { _, _ -> if (resumed) showSource() }
        findViewById<RadioGroup>(R.id.color_map).setOnCheckedChangeListener { _, button ->
            overlay.colors = ColorMap.entries.first { it.button == button }.colors(resources)
            view.invalidate()
        }
        findViewById<SeekBar>(R.id.opacity).setOnSeekBarChangeListener(object : SeekBar.OnSeekBarChangeListener {
            override fun onProgressChanged(bar: SeekBar, progress: Int, fromUser: Boolean) {
                overlay.opacity = progress / bar.max.toFloat()
                view.invalidate()
            }

            override fun onStartTrackingTouch(bar: SeekBar) = Unit

            override fun onStopTrackingTouch(bar: SeekBar) = Unit
        })
    }

    override fun onResume() {
        super.onResume()
        resumed = true
        showSource()
    }

    override fun onPause() {
        resumed = false
        super.onPause()
    }

    override fun onStop() {
        stopCamera()
        super.onStop()
    }

    override fun onSaveInstanceState(state: Bundle) {
        super.onSaveInstanceState(state)
        state.putString(PHOTO, photo?.toString())
        state.putBoolean(ASKED, asked)
    }

    override fun onRetainNonConfigurationInstance() = engine

    override fun onDestroy() {
        if (isChangingConfigurations) engine.listener = null else engine.close()
        super.onDestroy()
    }

    private fun showSource() {
        val unusable = engine.unusable
        choose.visibility = if (source == Source.PHOTO) View.VISIBLE else View.GONE
        when {
            unusable != null -> onUnusableModel(unusable)
            source == Source.CAMERA -> showCamera()
            else -> showPhoto()
        }
    }

    private fun showCamera() {
        if (camera != null) return
        if (checkSelfPermission(Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED) return startCamera()
        showNotice(getString(R.string.camera_refused), R.string.allow_camera, ::allowCamera)
        if (!asked) requestCamera()
    }

    private fun startCamera() {
        showNotice(getString(R.string.starting))
        meter = SpeedMeter()
        try {
            camera = CameraSource(this, engine.executor, ::analyzeFrame, ::loseCamera).also(CameraSource::start)
        } catch (_: NoCameraException) {
            showNotice(getString(R.string.no_camera))
        }
    }

    private fun analyzeFrame(frame: Image, rotation: Int) =
        engine.analyze(Source.CAMERA) { converter.convert(frame, rotation, it) }

    private fun loseCamera() {
        stopCamera()
        showNotice(getString(R.string.camera_lost), R.string.try_again, ::showCamera)
    }

    private fun stopCamera() {
        camera?.close()
        camera = null
    }

    private fun requestCamera() {
        asked = true
        requestPermissions(arrayOf(Manifest.permission.CAMERA), 0)
    }

    /** After a second refusal Android asks no more: the settings are the only way then. */
    private fun allowCamera() {
        if (shouldShowRequestPermissionRationale(Manifest.permission.CAMERA)) return requestCamera()
        startActivity(Intent(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, Uri.fromParts("package", packageName, null)))
    }

    private fun showPhoto() {
        stopCamera()
        val photo = photo ?: return showNotice(getString(R.string.no_photo), R.string.choose_photo, ::choosePhoto)
        if (photo == shownPhoto) return
        showNotice(getString(R.string.starting))
        val reader = PhotoReader(contentResolver)
        engine.executor.execute { engine.analyze(Source.PHOTO) { reader.read(photo, it) } }
    }

    private fun choosePhoto() {
        try {
            val photos = Intent(Intent.ACTION_GET_CONTENT).addCategory(Intent.CATEGORY_OPENABLE).setType("image/*")
            startActivityForResult(photos, PHOTO_REQUEST)
        } catch (_: ActivityNotFoundException) {
            showNotice(getString(R.string.no_gallery))
        }
    }

    // Photographs are shown by onResume, which follows.
    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        if (request == PHOTO_REQUEST) data?.data?.let { photo = it }
    }

    override fun onAnalysis(analysis: Analysis) {
        // What was under way when the mode changed comes too late.
        if (analysis.source != source || source == Source.CAMERA && camera == null) return
        notice.visibility = View.GONE
        share.isEnabled = true
        overlay.show(analysis)
        view.invalidate()
        if (source == Source.PHOTO) {
            shownPhoto = photo
            status.text = getString(R.string.photo_speed, analysis.milliseconds)
        } else {
            meter.add(System.nanoTime(), analysis.milliseconds)?.let {
                status.text = getString(R.string.live_speed, it.framesPerSecond, it.milliseconds)
            }
        }
    }

    override fun onUnreadablePicture(source: Source) {
        if (source == this.source) showNotice(getString(R.string.unreadable), R.string.choose_photo, ::choosePhoto)
    }

    override fun onUnusableModel(reason: String) {
        stopCamera()
        showNotice(getString(R.string.unusable_model, reason))
    }

    private fun showNotice(text: String, action: Int? = null, act: () -> Unit = {}) {
        overlay.clear()
        shownPhoto = null
        view.invalidate()
        share.isEnabled = false
        status.text = null
        notice.visibility = View.VISIBLE
        noticeText.text = text
        noticeAction.visibility = if (action == null) View.GONE else View.VISIBLE
        action?.let(noticeAction::setText)
        noticeAction.setOnClickListener { act() }
    }

    private fun share() {
        val picture = overlay.render() ?: return
        engine.executor.execute {
            try {
                SharedPicture.write(this, picture)
                runOnUiThread { if (!isDestroyed) offer() }
            } catch (_: IOException) {
                runOnUiThread { Toast.makeText(this, R.string.not_shared, Toast.LENGTH_LONG).show() }
            }
        }
    }

    private fun offer() {
        val send = Intent(Intent.ACTION_SEND)
            .setType(SharedPicture.MIME_TYPE)
            .putExtra(Intent.EXTRA_STREAM, SharedPicture.URI)
            .addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION)
        // The chooser shows, and hands on the permission for, what is in the clip.
        send.clipData = ClipData.newUri(contentResolver, null, SharedPicture.URI)
        startActivity(Intent.createChooser(send, null))
    }

    private companion object {
        const val PHOTO = "photo"
        const val ASKED = "asked"
        const val PHOTO_REQUEST = 1
    }
}
