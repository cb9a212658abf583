package modelstore

// Config of the extension.
type Config struct {
	_ struct{}
}
