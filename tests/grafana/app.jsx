// Draws the panels of the dashboard with Grafana's own code, from its JSON and a live Prometheus. What was drawn is left in
// window.drawn for the test. Panels whose code the packages do not export (state timeline, heatmap) are left out.
import React from 'react';
import { createRoot } from 'react-dom/client';
import {
  FieldConfigOptionsRegistry, FieldType, applyFieldOverrides, createTheme, dateTime, formattedValueToString, getDisplayValueAlignmentFactors,
  getFieldDisplayValues, toDataFrame,
} from '@grafana/data';
import { BarGauge, BigValue, ThemeContext, TimeSeries, VizRepeater } from '@grafana/ui';
import 'uplot/dist/uPlot.min.css';
import dashboard from './drift.json';

const asked = new URLSearchParams(location.search);
const end = Number(asked.get('end')), start = Number(asked.get('start'));
const variables = { job: '.+', instance: '.+', model: asked.get('model'), feature: '.+', __rate_interval: '10s', __range: `${Math.round(end - start)}s` };
const theme = createTheme({ colors: { mode: 'dark' } });
const DRAWN_TYPES = ['bargauge', 'timeseries', 'stat'];
window.drawn = {};

const substitute = (text) => text.replace(/\$\{?(\w+)\}?/g, (all, name) => variables[name] ?? all);
const named = (format, labels) => format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? '');

async function ask(target) {
  const url = new URL(asked.get('prometheus') + (target.instant ? '/api/v1/query' : '/api/v1/query_range'));
  url.searchParams.set('query', substitute(target.expr));
  for (const [name, value] of Object.entries(target.instant ? { time: end } : { start, end, step: 2 })) url.searchParams.set(name, value);
  const answer = await (await fetch(url)).json();
  if (answer.status !== 'success') throw new Error(answer.error);
  return answer.data.result.map((series) => {
    const values = series.values ?? [series.value], name = named(target.legendFormat, series.metric);
    return toDataFrame({ refId: target.refId, name, fields: [
      { name: 'Time', type: FieldType.time, values: values.map(([time]) => time * 1000), config: {} },
      // Grafana's data source turns what is not a number into null
      { name: 'Value', type: FieldType.number, labels: series.metric, config: { displayNameFromDS: name },
        values: values.map(([, value]) => (Number.isFinite(Number(value)) ? Number(value) : null)) },
    ] });
  });
}

// The registry is filled by the application and not by the packages: the options that a dashboard may set.
const registry = new FieldConfigOptionsRegistry();
const option = (id, path, more) => registry.register({ id, path, name: id, override: null, process: (value) => value, shouldApply: () => true, ...more });
for (const id of ['unit', 'min', 'max', 'decimals', 'displayName', 'color', 'thresholds', 'mappings', 'noValue', 'links', 'fieldMinMax']) option(id, id, {});
for (const id of ['drawStyle', 'lineInterpolation', 'lineWidth', 'fillOpacity', 'gradientMode', 'spanNulls', 'showPoints', 'pointSize', 'stacking', 'axisPlacement',
  'axisLabel', 'axisColorMode', 'scaleDistribution', 'hideFrom', 'thresholdsStyle', 'lineStyle', 'axisCenteredZero', 'axisBorderShow', 'barAlignment', 'insertNulls'])
  option(`custom.${id}`, id, { isCustom: true });

const range = { from: dateTime(start * 1000), to: dateTime(end * 1000), raw: { from: 'a', to: 'b' } };

const displayValues = (panel, frames) => getFieldDisplayValues({ fieldConfig: panel.fieldConfig, reduceOptions: panel.options.reduceOptions,
  replaceVariables: substitute, theme, data: frames, timeZone: 'utc' });

function Values({ panel, frames, width, height }) {
  const { options } = panel, values = displayValues(panel, frames), bars = panel.type === 'bargauge';
  const one = ({ value, width, height, alignmentFactors, orientation }) => (bars
    ? <BarGauge value={value.display} width={width} height={height} orientation={orientation} field={value.field} text={options.text}
        display={value.view?.getFieldDisplayProcessor(value.colIndex)} theme={theme} itemSpacing={options.displayMode === 'lcd' ? 2 : 10} lcdCellWidth={12}
        displayMode={options.displayMode} alignmentFactors={alignmentFactors} showUnfilled={options.showUnfilled} valueDisplayMode={options.valueMode}
        namePlacement={options.namePlacement} isOverflow={false} />
    : <BigValue value={value.display} width={width} height={height} theme={theme} colorMode={options.colorMode} graphMode="none"
        justifyMode={options.justifyMode} textMode={options.textMode} alignmentFactors={alignmentFactors} />);
  return <VizRepeater source={values} getValues={() => values} getAlignmentFactors={getDisplayValueAlignmentFactors} renderValue={one} renderCounter={1}
    width={width} height={height} orientation={bars ? options.orientation : 'horizontal'} itemSpacing={8}
    minVizHeight={options.minVizHeight ?? 16} minVizWidth={options.minVizWidth ?? 8} maxVizHeight={options.maxVizHeight} />;
}

// What the test compares with the dashboard's JSON and with Prometheus.
function note(panel, frames) {
  const fields = frames.flatMap((frame) => frame.fields.filter((field) => field.type === FieldType.number));
  const shown = panel.type === 'timeseries' ? fields.map((field) => [field.config.displayNameFromDS, field.display(field.values.findLast((v) => v !== null) ?? null)])
    : displayValues(panel, frames).map((value) => [value.display.title ?? value.name, value.display]);
  window.drawn[panel.id] = { title: panel.title, type: panel.type, points: fields.reduce((sum, field) => sum + field.values.filter((v) => v !== null).length, 0),
    series: fields.map((field) => field.config.displayNameFromDS),
    values: shown.map(([name, display]) => ({ name, number: Number.isFinite(display.numeric) ? display.numeric : null, text: formattedValueToString(display), color: display.color })),
    steps: fields[0]?.config.thresholds?.steps.map((step) => [step.color, Number.isFinite(step.value) ? step.value : null]) ?? [] };
}

function Panel({ panel }) {
  const [frames, setFrames] = React.useState(null);
  const width = 560, height = 260;
  React.useEffect(() => {
    Promise.all(panel.targets.map(ask)).then((found) => {
      const done = applyFieldOverrides({ data: found.flat(), fieldConfig: panel.fieldConfig, fieldConfigRegistry: registry, replaceVariables: substitute, theme, timeZone: 'utc' });
      note(panel, done);
      setFrames(done);
    }).catch((error) => { window.drawn[panel.id] = { title: panel.title, error: String(error.stack) }; });
  }, []);
  return <section data-panel={panel.id} style={{ padding: 8, background: theme.colors.background.primary, color: theme.colors.text.primary }}>
    <h2 style={{ margin: '0 0 4px', font: '500 14px sans-serif' }}>{panel.title}</h2>
    {frames && (frames.length === 0 ? <p style={{ font: '14px sans-serif' }}>No data</p>
      : panel.type === 'timeseries'
        ? <TimeSeries frames={frames} structureRev={1} timeRange={range} timeZone="utc" width={width} height={height} legend={panel.options.legend} options={panel.options} />
        : <Values panel={panel} frames={frames} width={width} height={height} />)}
  </section>;
}

class Guard extends React.Component {
  state = {};
  static getDerivedStateFromError(error) { return { error }; }
  componentDidCatch(error) { window.drawn[this.props.id] = { ...window.drawn[this.props.id], error: String(error.stack) }; }
  render() { return this.state.error ? <pre>{String(this.state.error)}</pre> : this.props.children; }
}

const ids = asked.get('ids')?.split(',').map(Number);
const panels = dashboard.panels.filter((panel) => DRAWN_TYPES.includes(panel.type) && (!ids || ids.includes(panel.id)));
window.wanted = panels.map((panel) => panel.id);
createRoot(document.getElementById('root')).render(<ThemeContext.Provider value={theme}>
  <div style={{ display: 'grid', gridTemplateColumns: '1fr 1fr', gap: 8, width: 1168 }}>
    {panels.map((panel) => <Guard key={panel.id} id={panel.id}><Panel panel={panel} /></Guard>)}
  </div></ThemeContext.Provider>);
