# Alert conditions of New Relic for the metrics of Driftmeter, made by "driftmeter export rules".
#
# They hold the latest window against fixed numbers. The newrelic exporter also opens incidents
# for the alerts that Driftmeter raises itself, of all monitors: do not send both to the same
# people.
#
# Not in this file, since a condition cannot say it; Driftmeter's own alerts do:
#   Activity halved (model_activity): method: a condition compares with a number, not with another time or slice.
#   Schooling missing more than elsewhere (missing_values): method: a condition compares with a number, not with another time or slice.
#   Ages beyond those of last week (value_range): method: a condition compares with a number, not with another time or slice.
#   Mean age moves (metric_change): method: a condition compares with a number, not with another time or slice.
#   Estimated accuracy falls (performance_degradation): method: a condition compares with a number, not with another time or slice.
#   Accuracy unusual (performance_degradation): method: anomaly follows trend and season of the series.
#   Old version (model_staleness): a condition does not know since when a version has been there.

resource "newrelic_alert_policy" "driftmeter_census_employment" {
  name                = "Driftmeter: census_employment"
  incident_preference = "PER_CONDITION_AND_TARGET"
}

# a window without any prediction has no metric, which is not seen here
resource "newrelic_nrql_alert_condition" "driftmeter_census_employment_1" {
  policy_id                      = newrelic_alert_policy.driftmeter_census_employment.id
  type                           = "static"
  name                           = "Few predictions"
  description                    = "low: predictions should be at least 1000"
  enabled                        = true
  aggregation_window             = 60
  aggregation_method             = "event_timer"
  aggregation_timer              = 60
  fill_option                    = "none"
  expiration_duration            = 7800
  close_violations_on_expiration = true
  open_violation_on_expiration   = false
  violation_time_limit_seconds   = 259200

  nrql {
    query = "SELECT latest(ml.model.predictions) FROM Metric WHERE modelName = 'census_employment' AND ml.segment.name IS NULL FACET model_version"
  }

  warning {
    operator              = "below"
    threshold             = 1000
    threshold_duration    = 60
    threshold_occurrences = "at_least_once"
  }
}

# drift is what the model's own first measure says, since js_divergence is not among its drift.measures, or has no level
# preconditions.min_focal is not asked for
resource "newrelic_nrql_alert_condition" "driftmeter_census_employment_2" {
  policy_id                      = newrelic_alert_policy.driftmeter_census_employment.id
  type                           = "static"
  name                           = "Features drift"
  description                    = "medium: drift against training"
  runbook_url                    = "https://example.com/runbooks/drift"
  enabled                        = true
  aggregation_window             = 60
  aggregation_method             = "event_timer"
  aggregation_timer              = 60
  fill_option                    = "none"
  expiration_duration            = 7800
  close_violations_on_expiration = true
  open_violation_on_expiration   = false
  violation_time_limit_seconds   = 259200

  nrql {
    query = "SELECT latest(ml.drift.detected) FROM Metric WHERE modelName = 'census_employment' AND ml.segment.name IS NULL AND ml.baseline = 'training' AND ((ml.field.group = 'features') OR (ml.field.group = 'raw_inputs')) FACET model_version, ml.field.group, feature_name, ml.baseline"
  }

  critical {
    operator              = "above_or_equals"
    threshold             = 1
    threshold_duration    = 60
    threshold_occurrences = "at_least_once"
  }
}

# whether the score is more than chance is not asked; use ml.drift.detected for that
# preconditions.min_focal is not asked for
resource "newrelic_nrql_alert_condition" "driftmeter_census_employment_3" {
  policy_id                      = newrelic_alert_policy.driftmeter_census_employment.id
  type                           = "static"
  name                           = "Scores drift"
  description                    = "high: psi at least 0.1 against training"
  enabled                        = true
  aggregation_window             = 60
  aggregation_method             = "event_timer"
  aggregation_timer              = 60
  fill_option                    = "none"
  expiration_duration            = 7800
  close_violations_on_expiration = true
  open_violation_on_expiration   = false
  violation_time_limit_seconds   = 259200

  nrql {
    query = "SELECT latest(ml.drift.psi) FROM Metric WHERE modelName = 'census_employment' AND ml.segment.name IS NULL AND ml.baseline = 'training' AND ml.field.group = 'predictions' FACET model_version, ml.field.group, feature_name, ml.baseline"
  }

  critical {
    operator              = "above_or_equals"
    threshold             = 0.1
    threshold_duration    = 60
    threshold_occurrences = "at_least_once"
  }
}

# preconditions.min_focal is not asked for
resource "newrelic_nrql_alert_condition" "driftmeter_census_employment_4" {
  policy_id                      = newrelic_alert_policy.driftmeter_census_employment.id
  type                           = "static"
  name                           = "Ancestry missing"
  description                    = "medium: missing_ratio should be at most 0.05"
  enabled                        = true
  aggregation_window             = 60
  aggregation_method             = "event_timer"
  aggregation_timer              = 60
  fill_option                    = "none"
  expiration_duration            = 7800
  close_violations_on_expiration = true
  open_violation_on_expiration   = false
  violation_time_limit_seconds   = 259200

  nrql {
    query = "SELECT latest(ml.integrity.missing_ratio) FROM Metric WHERE modelName = 'census_employment' AND ml.segment.name IS NULL AND ml.field.group = 'features' AND feature_name = 'ANC' FACET model_version, ml.field.group, feature_name"
  }

  critical {
    operator              = "above"
    threshold             = 0.05
    threshold_duration    = 60
    threshold_occurrences = "at_least_once"
  }
}

resource "newrelic_nrql_alert_condition" "driftmeter_census_employment_5" {
  policy_id                      = newrelic_alert_policy.driftmeter_census_employment.id
  type                           = "static"
  name                           = "New values"
  description                    = "medium: more than 3 values that the reference does not have"
  enabled                        = true
  aggregation_window             = 60
  aggregation_method             = "event_timer"
  aggregation_timer              = 60
  fill_option                    = "none"
  expiration_duration            = 7800
  close_violations_on_expiration = true
  open_violation_on_expiration   = false
  violation_time_limit_seconds   = 259200

  nrql {
    query = "SELECT latest(ml.integrity.new_values) FROM Metric WHERE modelName = 'census_employment' AND ml.segment.name IS NULL AND ((ml.field.group = 'features') OR (ml.field.group = 'raw_inputs')) FACET model_version, ml.field.group, feature_name"
  }

  critical {
    operator              = "above"
    threshold             = 3
    threshold_duration    = 60
    threshold_occurrences = "at_least_once"
  }
}

resource "newrelic_nrql_alert_condition" "driftmeter_census_employment_6" {
  policy_id                      = newrelic_alert_policy.driftmeter_census_employment.id
  type                           = "static"
  name                           = "Impossible ages (low)"
  description                    = "medium: values should be between 0 and 120"
  enabled                        = true
  aggregation_window             = 60
  aggregation_method             = "event_timer"
  aggregation_timer              = 60
  fill_option                    = "none"
  expiration_duration            = 7800
  close_violations_on_expiration = true
  open_violation_on_expiration   = false
  violation_time_limit_seconds   = 259200

  nrql {
    query = "SELECT latest(ml.field.min) FROM Metric WHERE modelName = 'census_employment' AND ml.segment.name IS NULL AND ml.field.group = 'features' AND feature_name = 'AGEP' FACET model_version, ml.field.group, feature_name"
  }

  critical {
    operator              = "below"
    threshold             = 0
    threshold_duration    = 60
    threshold_occurrences = "at_least_once"
  }
}

resource "newrelic_nrql_alert_condition" "driftmeter_census_employment_7" {
  policy_id                      = newrelic_alert_policy.driftmeter_census_employment.id
  type                           = "static"
  name                           = "Impossible ages (high)"
  description                    = "medium: values should be between 0 and 120"
  enabled                        = true
  aggregation_window             = 60
  aggregation_method             = "event_timer"
  aggregation_timer              = 60
  fill_option                    = "none"
  expiration_duration            = 7800
  close_violations_on_expiration = true
  open_violation_on_expiration   = false
  violation_time_limit_seconds   = 259200

  nrql {
    query = "SELECT latest(ml.field.max) FROM Metric WHERE modelName = 'census_employment' AND ml.segment.name IS NULL AND ml.field.group = 'features' AND feature_name = 'AGEP' FACET model_version, ml.field.group, feature_name"
  }

  critical {
    operator              = "above"
    threshold             = 120
    threshold_duration    = 60
    threshold_occurrences = "at_least_once"
  }
}

# preconditions.min_focal is not asked for
resource "newrelic_nrql_alert_condition" "driftmeter_census_employment_8" {
  policy_id                      = newrelic_alert_policy.driftmeter_census_employment.id
  type                           = "static"
  name                           = "Accuracy low"
  description                    = "high: accuracy should be at least 0.8"
  runbook_url                    = "https://example.com/runbooks/accuracy"
  enabled                        = true
  aggregation_window             = 60
  aggregation_method             = "event_timer"
  aggregation_timer              = 60
  fill_option                    = "none"
  expiration_duration            = 7800
  close_violations_on_expiration = true
  open_violation_on_expiration   = false
  violation_time_limit_seconds   = 259200

  nrql {
    query = "SELECT latest(ml.performance.accuracy) FROM Metric WHERE modelName = 'census_employment' AND ml.segment.name IS NULL FACET model_version, ml.output.name"
  }

  critical {
    operator              = "below"
    threshold             = 0.8
    threshold_duration    = 60
    threshold_occurrences = "at_least_once"
  }
}

# preconditions.min_focal is not asked for
resource "newrelic_nrql_alert_condition" "driftmeter_census_employment_9" {
  policy_id                      = newrelic_alert_policy.driftmeter_census_employment.id
  type                           = "static"
  name                           = "Wrongly employed"
  description                    = "medium: wrongly_employed should be at most 600"
  enabled                        = true
  aggregation_window             = 60
  aggregation_method             = "event_timer"
  aggregation_timer              = 60
  fill_option                    = "none"
  expiration_duration            = 7800
  close_violations_on_expiration = true
  open_violation_on_expiration   = false
  violation_time_limit_seconds   = 259200

  nrql {
    query = "SELECT latest(ml.custom.wrongly_employed) FROM Metric WHERE modelName = 'census_employment' AND ml.segment.name IS NULL FACET model_version"
  }

  critical {
    operator              = "above"
    threshold             = 600
    threshold_duration    = 60
    threshold_occurrences = "at_least_once"
  }
}
