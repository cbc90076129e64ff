package org.salgan.demo

import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.tensorflow.lite.DataType

class SaliencyModelTest {
    private val small = listOf(1, 2, 3)

    private fun model(
        input: FakeTensor = FakeTensor(small + 3),
        output: FakeTensor = FakeTensor(small + 1),
        respond: (ByteArray) -> ByteArray = { ByteArray(6) },
    ) = SaliencyModel(FakeInterpreter(listOf(input), listOf(output), respond))

    private fun floats(vararg values: Float): ByteArray =
        ByteBuffer.allocate(4 * values.size).order(ByteOrder.nativeOrder()).apply { values.forEach(::putFloat) }.array()

    @Test
    fun `sizes are the file's`() {
        val model = model()
        assertEquals(3, model.width)
        assertEquals(2, model.height)
    }

    @Test
    fun `levels are read as salgan_tf's inference reads them, to the bit`() {
        val readings = Golden.bytes("photo_readings.txt").decodeToString().trim().lines().map { it.split(" ") }
        val (scale, zeroPoint) = readings.first()
        val levels = readings.drop(1)
        val shape = listOf(1, 1, levels.size)
        val read = FloatArray(levels.size)
        model(FakeTensor(shape + 3), FakeTensor(shape + 1, scale = scale.toFloat(), zeroPoint = zeroPoint.toInt())) {
            ByteArray(levels.size) { levels[it][0].toInt().toByte() }
        }.run(ByteArray(3 * levels.size), read)
        assertTrue("only ${levels.size} levels", levels.size > 100)
        assertArrayEquals(FloatArray(levels.size) { levels[it][1].toFloat() }, read, 0f)
    }

    @Test
    fun `levels below the zero point are a quarter of a level`() {
        val read = FloatArray(6)
        model(output = FakeTensor(small + 1, scale = 0.5f, zeroPoint = 10)) { byteArrayOf(0, 9, 10, 11, 12, -1) }
            .run(ByteArray(18), read)
        assertArrayEquals(floatArrayOf(0.125f, 0.125f, 0.125f, 0.5f, 1f, 122.5f), read, 0f)
    }

    @Test
    fun `bytes go in as they are, again and again`() {
        val shown = mutableListOf<ByteArray>()
        val model = model { shown += it; ByteArray(6) }
        val first = ByteArray(18) { (it * 15).toByte() }
        val second = ByteArray(18) { (255 - it).toByte() }
        model.run(first, FloatArray(6))
        model.run(second, FloatArray(6))
        assertArrayEquals(first, shown[0])
        assertArrayEquals(second, shown[1])
    }

    @Test
    fun `a float model is given 0 to 255 and read as it is`() {
        var shown = ByteArray(0)
        val read = FloatArray(6)
        model(FakeTensor(small + 3, DataType.FLOAT32), FakeTensor(small + 1, DataType.FLOAT32)) {
            shown = it
            floats(0f, 0.1f, 0.2f, 0.3f, 0.4f, 1f)
        }.run(ByteArray(18) { (it * 15).toByte() }, read)
        assertArrayEquals(floats(*FloatArray(18) { it * 15f }), shown)
        assertArrayEquals(floatArrayOf(0f, 0.1f, 0.2f, 0.3f, 0.4f, 1f), read, 0f)
    }

    @Test
    fun `values that are not finite are refused`() {
        val model = model(output = FakeTensor(small + 1, DataType.FLOAT32)) { floats(0f, Float.NaN, 0f, 0f, 0f, 0f) }
        assertThrows(UnusableModelException::class.java) { model.run(ByteArray(18), FloatArray(6)) }
    }

    @Test
    fun `files that hold no generator are refused, and say what they are`() {
        fun shapes(input: List<Int>, output: List<Int>) = FakeTensor(input) to FakeTensor(output)
        val foreign = mapOf(
            "it maps [1, 224, 224, 3] to [1, 1000]" to shapes(listOf(1, 224, 224, 3), listOf(1, 1000)),
            "it maps [2, 4, 4, 3] to [2, 4, 4, 1]" to shapes(listOf(2, 4, 4, 3), listOf(2, 4, 4, 1)),
            "it maps [1, 4, 4, 1] to [1, 4, 4, 1]" to shapes(listOf(1, 4, 4, 1), listOf(1, 4, 4, 1)),
            "it maps [1, 4, 4, 3] to [1, 2, 2, 1]" to shapes(listOf(1, 4, 4, 3), listOf(1, 2, 2, 1)),
            "it maps [1, 0, 0, 3] to [1, 0, 0, 1]" to shapes(listOf(1, 0, 0, 3), listOf(1, 0, 0, 1)),
            "it takes INT8, neither UINT8 nor FLOAT32" to
                (FakeTensor(small + 3, DataType.INT8) to FakeTensor(small + 1)),
            "it gives INT32, neither UINT8 nor FLOAT32" to
                (FakeTensor(small + 3) to FakeTensor(small + 1, DataType.INT32)),
        )
        for ((message, ends) in foreign) {
            val error = assertThrows(UnusableModelException::class.java) { model(ends.first, ends.second) }
            assertEquals(message, error.message)
        }
        val two = FakeInterpreter(List(2) { FakeTensor(small + 3) }, listOf(FakeTensor(small + 1))) { ByteArray(6) }
        val error = assertThrows(UnusableModelException::class.java) { SaliencyModel(two) }
        assertEquals("it has 2 inputs and 1 outputs", error.message)
    }

    @Test
    fun `closing the model closes the interpreter`() {
        val interpreter = FakeInterpreter.ofPhotograph()
        SaliencyModel(interpreter).close()
        assertTrue(interpreter.closed)
    }

    @Test
    fun `a device on which LiteRT does not run is told so`() {
        // Such as the machine that runs the checks.
        val file = ByteBuffer.allocateDirect(8)
        val error = assertThrows(UnusableModelException::class.java) { SaliencyModel.open(file, 1) }
        assertEquals("LiteRT does not run on this device", error.message)
    }
}
