package org.salgan.demo

import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Test

class SpeedMeterTest {
    @Test
    fun `the speed is told every half second, for that half second`() {
        val meter = SpeedMeter()
        val told = (0..60).mapNotNull { frame ->
            // 20 frames a second, then 10.
            val milliseconds = if (frame <= 40) frame * 50L else 2000 + (frame - 40) * 100L
            meter.add(milliseconds * 1_000_000, if (frame <= 40) 30f else 60f)
        }
        assertEquals(List(4) { Speed(20f, 30f) } + List(4) { Speed(10f, 60f) }, told)
    }

    @Test
    fun `a single frame has no speed`() = assertNull(SpeedMeter().add(5_000_000_000, 30f))
}
