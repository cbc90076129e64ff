package org.salgan.demo

import android.os.Looper
import java.io.IOException
import java.util.concurrent.TimeUnit
import org.junit.After
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf

@RunWith(RobolectricTestRunner::class)
class SaliencyEngineTest {
    private val told = mutableListOf<String>()
    private val engines = mutableListOf<SaliencyEngine>()

    private inner class Listener : SaliencyEngine.Listener {
        override fun onAnalysis(analysis: Analysis) {
            told += "${analysis.source} ${analysis.picture.width} ${analysis.saliency.size}"
        }

        override fun onUnreadablePicture(source: Source) {
            told += "unreadable $source"
        }

        override fun onUnusableModel(reason: String) {
            told += reason
        }
    }

    private fun engine(open: () -> SaliencyModel) =
        SaliencyEngine(open).also { it.listener = Listener() }.also(engines::add)

    private fun tiny(respond: (ByteArray) -> ByteArray) =
        FakeInterpreter(listOf(FakeTensor(listOf(1, 2, 3, 3))), listOf(FakeTensor(listOf(1, 2, 3, 1))), respond)

    private fun SaliencyEngine.show(vararg widths: Int) =
        widths.forEach { width -> executor.execute { analyze(Source.CAMERA) { it.resize(width, 4) } } }

    /** Until the model's thread has done what it was given, and the main thread was told. */
    private fun SaliencyEngine.settle() {
        val done = executor.submit {}
        while (!done.isDone) {
            shadowOf(Looper.getMainLooper()).idle()
            Thread.sleep(1)
        }
        shadowOf(Looper.getMainLooper()).idle()
    }

    @After
    fun close() = engines.forEach { it.close() }

    @Test
    fun `the model is warm before the first picture, and stays on one thread that is not the main one`() {
        val runs = mutableListOf<Int>()
        val interpreter = tiny { runs += it.max().toInt(); ByteArray(6) }
        val engine = engine { SaliencyModel(interpreter) }
        engine.executor.execute { engine.analyze(Source.PHOTO) { it.resize(1, 1); it.argb.fill(0x070707) } }
        engine.settle()
        assertEquals(listOf(0, 0, 7), runs)
        assertEquals(1, interpreter.threads.size)
        assertFalse(Looper.getMainLooper().thread in interpreter.threads)
        assertEquals(listOf("PHOTO 1 6"), told)
    }

    @Test
    fun `pictures are analysed in order, and a slow screen makes the model wait`() {
        val engine = engine { SaliencyModel(tiny { ByteArray(6) }) }
        engine.show(*IntArray(10) { it + 1 })
        Thread.sleep(100)
        assertFalse("two analyses are all there are", engine.executor.submit {}.isDone)
        engine.settle()
        assertEquals((1..10).map { "CAMERA $it 6" }, told)
    }

    @Test
    fun `a picture that cannot be read is told, and the next is analysed`() {
        val engine = engine { SaliencyModel(tiny { ByteArray(6) }) }
        repeat(3) { engine.executor.execute { engine.analyze(Source.PHOTO) { throw IOException() } } }
        engine.show(5)
        engine.settle()
        assertEquals(List(3) { "unreadable PHOTO" } + "CAMERA 5 6", told)
    }

    @Test
    fun `a model that cannot be opened is told, and remembered for who comes later`() {
        val engine = engine { throw UnusableModelException("it is damaged") }
        engine.show(5)
        engine.settle()
        assertEquals(listOf("it is damaged"), told)
        assertEquals("it is damaged", engine.unusable)
    }

    @Test
    fun `a model that fails while it runs is closed and told once`() {
        var runs = 0
        val interpreter = tiny { if (runs++ < 3) ByteArray(6) else throw IllegalStateException("out of memory") }
        val engine = engine { SaliencyModel(interpreter) }
        engine.show(1, 2, 3)
        engine.settle()
        assertEquals(2, told.size)
        assertTrue(told[1], told[1].endsWith("out of memory"))
        assertTrue(interpreter.closed)
    }

    @Test
    fun `closed while the model runs, it closes the model afterwards and tells nobody`() {
        val interpreter = tiny { Thread.sleep(50); ByteArray(6) }
        val engine = SaliencyEngine { SaliencyModel(interpreter) }.also { it.listener = Listener() }
        engine.show(1, 2)
        engine.close()
        assertTrue(engine.executor.awaitTermination(10, TimeUnit.SECONDS))
        shadowOf(Looper.getMainLooper()).idle()
        assertTrue(interpreter.closed)
        assertEquals(emptyList<String>(), told)
    }

    @Test
    fun `the analysis holds the values of the model`() {
        val levels = byteArrayOf(0, 1, 2, 3, 4, 5)
        val engine = engine { SaliencyModel(tiny { levels }) }
        var values = FloatArray(0)
        engine.listener = object : SaliencyEngine.Listener by Listener() {
            override fun onAnalysis(analysis: Analysis) {
                values = analysis.saliency.copyOf()
                assertEquals(3 to 2, analysis.mapWidth to analysis.mapHeight)
                assertTrue(analysis.milliseconds > 0)
            }
        }
        engine.show(3)
        engine.settle()
        assertArrayEquals(floatArrayOf(0.25f, 1f, 2f, 3f, 4f, 5f).map { it / 256 }.toFloatArray(), values, 0f)
    }
}
