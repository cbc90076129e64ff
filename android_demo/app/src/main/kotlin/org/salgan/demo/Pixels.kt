package org.salgan.demo

/** An upright picture: opaque ARGB, row by row. Its array is used again as long as the size stays the same. */
class Pixels {
    var width = 0
        private set
    var height = 0
        private set
    var argb = IntArray(0)
        private set

    fun resize(width: Int, height: Int) {
        if (argb.size != width * height) argb = IntArray(width * height)
        this.width = width
        this.height = height
    }
}
