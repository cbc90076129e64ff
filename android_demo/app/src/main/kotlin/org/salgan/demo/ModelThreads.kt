package org.salgan.demo

import java.io.File

/**
 * How many threads the model runs with: one for each big core, four at most. A share of the work that ends on a little
 * core keeps all the others waiting, and beyond four the heat costs more than the threads bring.
 *
 * @param cpus where Linux tells of each core how fast it can be
 */
fun modelThreads(
    cores: Int = Runtime.getRuntime().availableProcessors(),
    cpus: File = File("/sys/devices/system/cpu"),
): Int {
    val frequencies = (0 until cores).mapNotNull { cpu ->
        runCatching { cpus.resolve("cpu$cpu/cpufreq/cpuinfo_max_freq").readText().trim().toInt() }.getOrNull()
    }
    val slowest = frequencies.minOrNull()
    val big = frequencies.count { it != slowest }
    // None: the cores are all alike, or the device does not tell.
    return (if (big > 0) big else cores).coerceAtMost(4)
}
