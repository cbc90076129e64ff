plugins {
    alias(libs.plugins.android.application)
}

android {
    namespace = "org.salgan.demo"
    compileSdk = 37

    defaultConfig {
        applicationId = "org.salgan.demo"
        minSdk = 26
        targetSdk = 37
        versionCode = 1
        versionName = "1.0"
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }

    androidResources {
        // It is mapped into memory as it lies in the APK.
        noCompress += "tflite"
    }
}

dependencies {
    implementation(libs.litert)
}

/** Takes the model into the app's assets: it is kept in one place, and not committed here as well. */
abstract class CopyModel : DefaultTask() {
    @get:InputFiles
    abstract val models: ConfigurableFileCollection

    @get:OutputDirectory
    abstract val assets: DirectoryProperty

    @TaskAction
    fun copy() {
        val model = models.singleOrNull { it.isFile }
            ?: throw GradleException("No single model in ${models.files}: see salgan_tf/weights, or give -Pmodel=FILE.tflite")
        model.copyTo(assets.file("saliency.tflite").get().asFile, overwrite = true)
    }
}

androidComponents {
    onVariants { variant ->
        val copyModel = tasks.register<CopyModel>("copy${variant.name.replaceFirstChar(Char::uppercase)}Model") {
            val named = providers.gradleProperty("model")
            models.from(
                if (named.isPresent) rootProject.file(named.get())
                else rootProject.fileTree("../salgan_tf/weights") { include("*_int8.tflite") },
            )
        }
        variant.sources.assets?.addGeneratedSourceDirectory(copyModel, CopyModel::assets)
    }
}
