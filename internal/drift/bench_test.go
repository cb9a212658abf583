package drift

import "testing"

// BenchmarkCompute asks each measure of a numeric field on a default grid (about
// 240 bins) and of a categorical one with 40 categories.
func BenchmarkCompute(b *testing.B) {
	ref, cur := both(normals(50000, 0, 1, 1), normals(5000, 0.2, 1.1, 2))
	catRef, catCur := Sample{Known: make([]uint64, 40)}, Sample{Known: make([]uint64, 40)}
	for i := range 40 {
		catRef.Known[i], catCur.Known[i] = uint64(20000/(i+1)), uint64(2100/(i+1))
	}
	for _, m := range Measures() {
		run := func(kind string, ref, cur Sample) {
			b.Run(m.Name+"/"+kind, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := Compute(m.Name, Params{}, ref, cur); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		if m.Numeric {
			run("numeric", ref, cur)
		}
		if m.Categorical {
			run("categorical", catRef, catCur)
		}
	}
}

// BenchmarkMergeRare is the worst case of the contingency table: 10,000
// categories that all expect too little.
func BenchmarkMergeRare(b *testing.B) {
	ref, cur := make([]uint64, 10000), make([]uint64, 10000)
	for i := range ref {
		ref[i], cur[i] = uint64(1+i%3), uint64(i%2)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ChiSquared(ref, cur, Contingency{MinExpected: Cochran}); err != nil {
			b.Fatal(err)
		}
	}
}
