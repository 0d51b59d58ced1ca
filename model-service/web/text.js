// Texts and elements, for all of the pages.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const inWords = new Intl.Collator();
const byId = (id) => document.getElementById(id);

function show(number) {
  if (number === null || number === undefined) return "-";
  const size = Math.abs(number);
  if (size >= 1000 && size < 1e6) return number.toFixed(0);
  return String(Number(number.toPrecision(3)));
}

const showChance = (p) => (p === 0 ? "< 1e-300" : show(p));

function percent(share) {
  const value = 100 * share;
  return `${value === 0 ? 0 : value.toFixed(value >= 9.95 ? 0 : value >= 0.095 ? 1 : 2)} %`;
}

const clock = (time) => new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

function put(node, text, className) {
  if (node.textContent !== text) node.textContent = text;
  if (className !== undefined && node.className !== className) node.className = className;
}

function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function svgElement(tag, attributes, text) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

const whole = (time) => new Date(time).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });

function duration(ms) {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

