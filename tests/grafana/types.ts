// What a dashboard's JSON has to look like, in Grafana's own types: the dashboard, and for each kind of panel in use the
// options and field settings of that kind. tests/dashboards.rs writes the dashboards out as values of type `Checked`; as
// literals, because TypeScript forgives an imported JSON file what it would not forgive a literal: unknown keys.

import type { Dashboard, DataQuery, Panel, RowPanel } from "@grafana/schema";
import type * as heatmap from "@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen";
import type * as stat from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type * as stateTimeline from "@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen";
import type * as table from "@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen";
import type * as timeseries from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

/** A type as JSON writes it: a member of an enum of strings is the string. */
type Written<T> = T extends string
  ? `${T}`
  : T extends number | boolean | null | undefined
    ? T
    : T extends Array<infer Item>
      ? Array<Written<Item>>
      : T extends object
        ? { [Key in keyof T]: Written<T[Key]> }
        : T;

/**
 * A query to Prometheus. Grafana's types of it are not in @grafana/schema; these are the keys that its query editor writes.
 */
type PrometheusQuery = Omit<DataQuery, "datasource"> & {
  datasource: { type: "prometheus"; uid: string };
  editorMode: "code";
  expr: string;
  format?: "time_series" | "table" | "heatmap";
  instant: boolean;
  legendFormat: string;
  range: boolean;
};

/** The field settings of a panel, with those of its kind in `custom`. */
type Fields<Custom> = Omit<Written<NonNullable<Panel["fieldConfig"]>>, "defaults"> & {
  defaults: Omit<Written<NonNullable<Panel["fieldConfig"]>["defaults"]>, "custom"> & { custom?: Written<Custom> };
};

type Of<Kind extends string, Options, Custom> = Omit<
  Written<Panel>,
  "type" | "options" | "fieldConfig" | "targets"
> & {
  type: Kind;
  title: string;
  description: string;
  options: Written<Options>;
  fieldConfig: Fields<Custom>;
  targets: PrometheusQuery[];
};

type KnownPanel =
  | Of<"heatmap", heatmap.Options, heatmap.FieldConfig>
  | Of<"stat", stat.Options, Record<string, never>>
  | Of<"state-timeline", stateTimeline.Options, stateTimeline.FieldConfig>
  | Of<"table", table.Options, table.FieldConfig>
  | Of<"timeseries", timeseries.Options, timeseries.FieldConfig>
  | Written<RowPanel>;

export type Checked = Omit<Written<Dashboard>, "panels"> & { panels: KnownPanel[] };
