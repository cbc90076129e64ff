package org.salgan.demo

import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

class NewestOnlyTest {
    private class Item(val number: Int) : AutoCloseable {
        @Volatile
        var timesClosed = 0

        override fun close() {
            timesClosed++
        }
    }

    private val tasks = ArrayDeque<Runnable>()
    private val consumed = mutableListOf<Int>()
    private val items = List(6, ::Item)

    private var meanwhile: (Item) -> Unit = {}
    private val frames = NewestOnly<Item>(tasks::add) {
        consumed += it.number
        meanwhile(it)
    }

    @Test
    fun `while the consumer is busy only the newest waits, and order is kept`() {
        meanwhile = { if (it.number == 0) items.subList(1, 5).forEach(frames::offer) }
        frames.offer(items[0])
        while (tasks.isNotEmpty()) tasks.removeFirst().run()
        frames.offer(items[5])
        while (tasks.isNotEmpty()) tasks.removeFirst().run()
        assertEquals(listOf(0, 4, 5), consumed)
        assertEquals(List(6) { 1 }, items.map { it.timesClosed })
    }

    @Test
    fun `what is superseded is closed at once`() {
        frames.offer(items[0])
        frames.offer(items[1])
        assertEquals(listOf(1, 0), items.take(2).map { it.timesClosed })
        assertEquals("tasks do not pile up", 1, tasks.size)
    }

    @Test
    fun `after closing nothing is consumed, and everything is closed`() {
        frames.offer(items[0])
        frames.close()
        frames.offer(items[1])
        while (tasks.isNotEmpty()) tasks.removeFirst().run()
        assertEquals(emptyList<Int>(), consumed)
        assertEquals(listOf(1, 1), items.take(2).map { it.timesClosed })
    }

    @Test
    fun `a fast producer on another thread loses frames, not their order, and leaks none`() {
        val executor = Executors.newSingleThreadExecutor()
        val many = List(2000, ::Item)
        val frames = NewestOnly<Item>(executor) { consumed += it.number; Thread.sleep(0, 50_000) }
        val done = CountDownLatch(1)
        Thread { many.forEach(frames::offer); done.countDown() }.start()
        assertTrue(done.await(30, TimeUnit.SECONDS))
        executor.shutdown()
        assertTrue(executor.awaitTermination(30, TimeUnit.SECONDS))
        assertEquals(consumed.sorted(), consumed)
        assertEquals("the newest is never lost", many.last().number, consumed.last())
        assertTrue("${consumed.size} of ${many.size}", consumed.size < many.size)
        assertTrue(many.all { it.timesClosed == 1 })
    }
}
