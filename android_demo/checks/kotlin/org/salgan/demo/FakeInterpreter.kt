package org.salgan.demo

import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.tensorflow.lite.DataType
import org.tensorflow.lite.InterpreterApi
import org.tensorflow.lite.Tensor

class FakeTensor(
    private val shape: List<Int>,
    private val type: DataType = DataType.UINT8,
    private val scale: Float = 1 / 256f,
    private val zeroPoint: Int = 0,
) : Tensor {
    override fun dataType() = type
    override fun shape() = shape.toIntArray()
    override fun numElements() = shape.fold(1, Int::times)
    override fun numBytes() = numElements() * type.byteSize()
    override fun quantizationParams() = Tensor.QuantizationParams(scale, zeroPoint)
    override fun numDimensions() = shape.size
    override fun shapeSignature() = shape()
    override fun index() = 0
    override fun name() = "fake"
    override fun asReadOnlyBuffer(): ByteBuffer = throw UnsupportedOperationException()
}

/**
 * LiteRT's machine code runs on phones only; this stands in for it.
 *
 * @param respond what comes out, as stored in the output tensor, for the bytes that went in
 */
class FakeInterpreter(
    private val inputs: List<FakeTensor>,
    private val outputs: List<FakeTensor>,
    private val respond: (ByteArray) -> ByteArray,
) : InterpreterApi {
    var closed = false
        private set
    val threads = mutableSetOf<Thread>()

    override fun run(input: Any, output: Any) {
        check(!closed) { "the interpreter is closed" }
        threads += Thread.currentThread()
        val entry = (input as ByteBuffer).order(ByteOrder.nativeOrder())
        check(entry.remaining() == inputs[0].numBytes()) { "${entry.remaining()} bytes went in" }
        val exit = output as ByteBuffer
        check(exit.remaining() == outputs[0].numBytes()) { "there is room for ${exit.remaining()} bytes" }
        exit.put(respond(ByteArray(entry.remaining()).also(entry::get)))
    }

    override fun getInputTensorCount() = inputs.size
    override fun getOutputTensorCount() = outputs.size
    override fun getInputTensor(index: Int) = inputs[index]
    override fun getOutputTensor(index: Int) = outputs[index]
    override fun close() {
        closed = true
    }

    override fun runForMultipleInputsOutputs(inputs: Array<Any>, outputs: Map<Int, Any>) =
        throw UnsupportedOperationException()
    override fun allocateTensors() = throw UnsupportedOperationException()
    override fun resizeInput(index: Int, shape: IntArray) = throw UnsupportedOperationException()
    override fun resizeInput(index: Int, shape: IntArray, strict: Boolean) = throw UnsupportedOperationException()
    override fun getInputIndex(name: String) = throw UnsupportedOperationException()
    override fun getOutputIndex(name: String) = throw UnsupportedOperationException()
    override fun getLastNativeInferenceDurationNanoseconds() = throw UnsupportedOperationException()

    companion object {
        /** The bundled model's ends; gives the levels that the real one gave for the photograph, whatever it is shown. */
        fun ofPhotograph(): FakeInterpreter {
            val levels = Golden.png("photo_levels.png")
            val (input, output) = listOf(3, 1).map { FakeTensor(listOf(1, 256, 320, it)) }
            return FakeInterpreter(listOf(input), listOf(output)) { levels }
        }
    }
}
