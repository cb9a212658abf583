package profileprocessor

// Config of the processor.
type Config struct {
	_ struct{}
}
