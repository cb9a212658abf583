package grid

// FindAll sets bins[i] to Find(xs[i]); bins has room for as many. Four searches
// at a time keep the processor busy while each waits for its next edge.
func (g *Grid) FindAll(xs []float64, bins []int32) {
	tree, n := g.tree, len(g.tree)
	bins = bins[:len(xs)]
	i := 0
	for ; i+4 <= len(xs); i += 4 {
		a, b, c, d := key(xs[i]), key(xs[i+1]), key(xs[i+2]), key(xs[i+3])
		j, k, l, m := 1, 1, 1, 1
		for range g.depth {
			j, k, l, m = 2*j+one(tree[j] < a), 2*k+one(tree[k] < b), 2*l+one(tree[l] < c), 2*m+one(tree[m] < d)
		}
		bins[i], bins[i+1], bins[i+2], bins[i+3] = int32(j-n), int32(k-n), int32(l-n), int32(m-n)
	}
	for ; i < len(xs); i++ {
		bins[i] = int32(g.Find(xs[i]))
	}
}

// one is 1 if b is true. The compiler makes no branch of it.
func one(b bool) int {
	if b {
		return 1
	}
	return 0
}
