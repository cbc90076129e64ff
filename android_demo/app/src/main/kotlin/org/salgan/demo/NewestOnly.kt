package org.salgan.demo

import java.util.concurrent.Executor

/**
 * Hands items to a slower consumer, one at a time and in their order. Of those that arrive while it is busy only the
 * newest waits; the others are closed at once, so that a camera never runs out of buffers and no screen lags behind.
 *
 * @param executor runs `consume`, one task at a time
 */
class NewestOnly<T : AutoCloseable>(private val executor: Executor, private val consume: (T) -> Unit) : AutoCloseable {
    private var waiting: T? = null
    private var closed = false

    @Synchronized
    fun offer(item: T) {
        if (closed) return item.close()
        val superseded = waiting
        waiting = item
        // An item that waits has a task already, which takes whatever is newest when its turn comes.
        if (superseded == null) executor.execute { take()?.use(consume) } else superseded.close()
    }

    /** Nothing is consumed after this but what is being consumed now. */
    @Synchronized
    override fun close() {
        closed = true
        take()?.close()
    }

    @Synchronized
    private fun take() = waiting.also { waiting = null }
}
