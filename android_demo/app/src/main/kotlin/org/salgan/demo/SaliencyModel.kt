package org.salgan.demo

import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.max
import org.tensorflow.lite.DataType
import org.tensorflow.lite.InterpreterApi
import org.tensorflow.lite.Tensor

/** The file of the model is missing or broken, or holds something else; the message is for the user. */
class UnusableModelException(message: String, cause: Throwable? = null) : Exception(message, cause)

/**
 * The saliency model: RGB in, where people look out. It takes over the interpreter, reads sizes and types from it, and
 * knows no camera and no screen.
 *
 * Preprocessing is inside the model, so plain bytes go in. For one thread, which also closes it.
 */
class SaliencyModel(private val interpreter: InterpreterApi) : AutoCloseable {
    val width: Int
    val height: Int
    private val takesBytes: Boolean
    private val input: ByteBuffer
    private val output: ByteBuffer
    /** What each level of an 8-bit output means; none for a model that gives floats. */
    private val meaning: FloatArray?

    init {
        if (interpreter.inputTensorCount != 1 || interpreter.outputTensorCount != 1) {
            val counts = "${interpreter.inputTensorCount} inputs and ${interpreter.outputTensorCount} outputs"
            throw UnusableModelException("it has $counts")
        }
        val entry = interpreter.getInputTensor(0)
        val exit = interpreter.getOutputTensor(0)
        val from = entry.shape().toList()
        val to = exit.shape().toList()
        if (from.size != 4 || from[0] != 1 || from[3] != 3 || from.any { it < 1 } || to != from.take(3) + 1) {
            throw UnusableModelException("it maps $from to $to")
        }
        takesBytes = isBytes(entry, "takes")
        meaning = if (isBytes(exit, "gives")) meaningOfLevels(exit) else null
        height = from[1]
        width = from[2]
        input = bufferOf(entry)
        output = bufferOf(exit)
    }

    /**
     * @param rgb height × width × 3 bytes
     * @param saliency takes height × width values, proportional to the density of fixations
     * @throws UnusableModelException it gives values that are not finite
     */
    fun run(rgb: ByteArray, saliency: FloatArray) {
        input.rewind()
        if (takesBytes) input.put(rgb) else for (byte in rgb) input.putFloat((byte.toInt() and 0xff).toFloat())
        input.rewind()
        output.rewind()
        interpreter.run(input, output)
        output.rewind()
        if (meaning == null) {
            output.asFloatBuffer().get(saliency)
            if (!saliency.all(Float::isFinite)) throw UnusableModelException("it gives values that are not finite")
        } else {
            for (i in saliency.indices) saliency[i] = meaning[output.get().toInt() and 0xff]
        }
    }

    override fun close() = interpreter.close()

    companion object {
        /**
         * @param file the .tflite file, in a direct buffer that outlives the model
         * @throws UnusableModelException
         */
        fun open(file: ByteBuffer, threads: Int): SaliencyModel {
            val interpreter = try {
                InterpreterApi.create(file, InterpreterApi.Options().setNumThreads(threads).setUseXNNPACK(true))
            } catch (error: IllegalArgumentException) {
                throw UnusableModelException("it is damaged, or newer than this app", error)
            } catch (error: IllegalStateException) {
                throw UnusableModelException(NOT_HERE, error)
            } catch (error: LinkageError) {
                throw UnusableModelException(NOT_HERE, error)
            }
            try {
                return SaliencyModel(interpreter)
            } catch (error: UnusableModelException) {
                interpreter.close()
                throw error
            }
        }

        private const val NOT_HERE = "LiteRT does not run on this device"

        private fun isBytes(tensor: Tensor, verb: String) = when (tensor.dataType()) {
            DataType.UINT8 -> true
            DataType.FLOAT32 -> false
            else -> throw UnusableModelException("it $verb ${tensor.dataType()}, neither UINT8 nor FLOAT32")
        }

        /**
         * What is below half a level is stored as level 0. Read as 0 it would be a place where nobody ever looks; a
         * quarter of a level is the middle of what it may have been, and what `salgan_tf.inference` reads.
         */
        private fun meaningOfLevels(tensor: Tensor): FloatArray {
            val steps = tensor.quantizationParams()
            return FloatArray(256) { level -> (max(level - steps.zeroPoint.toDouble(), 0.25) * steps.scale).toFloat() }
        }

        private fun bufferOf(tensor: Tensor) =
            ByteBuffer.allocateDirect(tensor.numBytes()).order(ByteOrder.nativeOrder())
    }
}
