package modelmetricsconnector

// Config of the connector.
type Config struct {
	_ struct{}
}
