import type { MetricMetadata } from "../../api/metrics";

/** The metadata of a metric, also of the series that a histogram or summary is made of. */
export function metadataOf(
  metadata: ReadonlyMap<string, MetricMetadata>,
  metric: string,
): MetricMetadata | undefined {
  return metadata.get(metric) ?? metadata.get(metric.replace(/_(bucket|count|sum|total)$/, ""));
}
