package org.salgan.demo

import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

class ModelThreadsTest {
    @get:Rule
    val folder = TemporaryFolder()

    private fun threads(vararg frequencies: Int): Int {
        frequencies.forEachIndexed { cpu, frequency ->
            val told = folder.root.resolve("cpu$cpu/cpufreq").apply { mkdirs() }.resolve("cpuinfo_max_freq")
            told.writeText("$frequency\n")
        }
        return modelThreads(frequencies.size, folder.root)
    }

    @Test
    fun `one big core and three middle ones beside four little ones`() =
        assertEquals(4, threads(1800, 1800, 1800, 1800, 2400, 2400, 2400, 2800))

    @Test
    fun `two big cores beside six little ones`() =
        assertEquals(2, threads(1800, 1800, 1800, 1800, 1800, 1800, 2400, 2400))

    @Test
    fun `four at most`() = assertEquals(4, threads(2000, 3000, 3000, 3000, 3000, 3000, 3000, 3000))

    @Test
    fun `all cores where they are alike`() = assertEquals(2, threads(2000, 2000))

    @Test
    fun `as many as there are, up to four, where none can be asked`() {
        assertEquals(2, modelThreads(2, File("/does/not/exist")))
        assertEquals(4, modelThreads(8, File("/does/not/exist")))
    }
}
