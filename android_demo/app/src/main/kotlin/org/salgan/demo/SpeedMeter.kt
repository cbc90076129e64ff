package org.salgan.demo

/** Frames per second, and the mean milliseconds of the model. */
data class Speed(val framesPerSecond: Float, val milliseconds: Float)

/** Averages over half a second: numbers that change with every frame cannot be read. */
class SpeedMeter {
    private var start = 0L
    private var frames = 0
    private var milliseconds = 0f

    /** @return the speed, whenever half a second is full */
    fun add(nanoTime: Long, modelMilliseconds: Float): Speed? {
        if (frames == 0) start = nanoTime
        frames++
        // The first frame only starts the clock.
        if (frames == 1) return null
        milliseconds += modelMilliseconds
        val seconds = (nanoTime - start) / 1e9f
        if (seconds < 0.5f) return null
        return Speed((frames - 1) / seconds, milliseconds / (frames - 1)).also {
            start = nanoTime
            frames = 1
            milliseconds = 0f
        }
    }
}
