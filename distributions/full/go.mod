module github.com/driftmeter/driftmeter/distributions/full

go 1.26.0

replace github.com/driftmeter/driftmeter => ../..
