// The Android plugin brings Kotlin along; this makes it the version that the sources are checked with.
buildscript {
    dependencies {
        classpath(libs.kotlin.gradle.plugin)
    }
}

plugins {
    alias(libs.plugins.android.application) apply false
}
