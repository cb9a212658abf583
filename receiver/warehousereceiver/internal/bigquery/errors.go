package bigquery

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"cloud.google.com/go/auth"
	"google.golang.org/api/googleapi"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/rest"
)

// limited reports whether a refusal is one of speed, which passes: BigQuery answers
// with 403 to these, too. A quota that is used up does not pass.
func limited(status int, body []byte) bool {
	if status != http.StatusForbidden && status != http.StatusBadRequest {
		return false
	}
	var said struct {
		Error struct {
			Errors []struct{ Reason string }
		}
	}
	if json.Unmarshal(body, &said) != nil || len(said.Error.Errors) == 0 {
		return false
	}
	switch said.Error.Errors[0].Reason {
	case "rateLimitExceeded", "jobRateLimitExceeded", "backendError", "jobBackendError", "internalError", "jobInternalError":
		return true
	}
	return false
}

// hints say what would be right, by the reasons of BigQuery.
var hints = map[string]string{
	"accessDenied":             "grant the role BigQuery Data Viewer on the table, and BigQuery Job User on the project",
	"authError":                "check connection.credentials_file",
	"notFound":                 "check table or query, connection.project and connection.location",
	"bytesBilledLimitExceeded": "raise connection.max_bytes_billed; a table that is partitioned by incremental.column is billed with less",
	"quotaExceeded":            "a quota of the project is used up; raise interval, or have the quota raised",
	"billingNotEnabled":        "enable billing for connection.project",
	"responseTooLarge":         "lower page_size",
	"stopped":                  "the job was cancelled, or took longer than timeout",
	"timeout":                  "raise timeout, or lower page_size",
}

// explain says what would be right, of an error.
func explain(err error) error {
	var e *googleapi.Error
	if !errors.As(err, &e) {
		if token, ok := errors.AsType[*auth.Error](err); ok {
			return fmt.Errorf("there is no token from Google Cloud; check connection.credentials_file: %w", token)
		}
		return rest.Unreachable(err)
	}
	reason := http.StatusText(e.Code)
	if len(e.Errors) > 0 && e.Errors[0].Reason != "" {
		reason = e.Errors[0].Reason
	}
	hint := hints[reason]
	switch {
	case hint != "":
	case e.Code == http.StatusUnauthorized:
		hint = hints["authError"]
	case strings.Contains(e.Message, "Unrecognized name"):
		hint = "check incremental.column and incremental.keys: the columns of the table or query"
	case reason == "invalidQuery":
		hint = "check query, incremental.column and incremental.keys"
	}
	if hint != "" {
		hint = "; " + hint
	}
	return fmt.Errorf("the database says: %s (%s, %d)%s", strings.TrimSuffix(e.Message, "."), reason, e.Code, hint)
}
