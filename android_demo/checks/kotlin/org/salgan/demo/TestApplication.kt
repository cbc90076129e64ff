package org.salgan.demo

import org.robolectric.RuntimeEnvironment

/** The app with a stand-in for LiteRT. */
class TestApplication : SaliencyApplication() {
    lateinit var interpreter: FakeInterpreter
        private set
    var opened = 0
        private set

    /** What opening the model does instead, if it should fail. */
    var failure: Exception? = null

    override fun openModel(): SaliencyModel {
        opened++
        failure?.let { throw it }
        interpreter = FakeInterpreter.ofPhotograph()
        return SaliencyModel(interpreter)
    }

    companion object {
        val current get() = RuntimeEnvironment.getApplication() as TestApplication
    }
}
