package watch_test

import (
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/watch"
)

// Every schedule that is none is told, with its place.
func TestCheckSchedules(t *testing.T) {
	d := &model.Definition{Monitors: []model.Monitor{
		{Schedule: ""}, {Schedule: "*/5 * * * *"}, {Schedule: "0 6 * * 1-5"}, {Schedule: "hourly"}, {Schedule: "61 * * * *"}, {Schedule: "@daily"},
	}}
	err := watch.CheckSchedules(d, "models[2]")
	if err == nil {
		t.Fatal("all are taken")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], `models[2].monitors[3].schedule="hourly" is no cron expression`) || !strings.HasPrefix(lines[1], `models[2].monitors[4].schedule="61 * * * *"`) {
		t.Errorf("told %q", lines)
	}
}
