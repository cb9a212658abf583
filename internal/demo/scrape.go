package demo

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
)

// scrape counts the series about our model at a Prometheus endpoint.
func scrape(ctx context.Context, url string) (series int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }() // it was read
	if res.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s answers %s", url, res.Status)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if line := lines.Text(); strings.HasPrefix(line, "ml_") && strings.Contains(line, `ml_model_name="`+Model+`"`) {
			series++
		}
	}
	return series, lines.Err()
}
