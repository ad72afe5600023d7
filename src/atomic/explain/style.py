"""How an explanation looks as a page. No outside fonts; both colour schemes; narrow first."""

STYLE = """
:root{--paper:#fff;--ink:#1b1f24;--quiet:#5b6570;--line:#dfe3e8;--card:#f6f8fa;--track:#e9edf1;
--bought:#0a7d55;--considered:#4f7fc2;--other:#b6c0ca;--claim:#b45309;--refused:#b42318}
@media (prefers-color-scheme:dark){:root{--paper:#12161b;--ink:#e6eaee;--quiet:#9aa5b1;--line:#2b333c;--card:#1a2027;
--track:#232b33;--bought:#35c28d;--considered:#7aa5e6;--other:#4d5863;--claim:#f0a24a;--refused:#ff8a80}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;
-webkit-text-size-adjust:100%}
main{max-width:46rem;margin:0 auto;padding:1rem}
bdi,li,dd,h1,h2,p{overflow-wrap:anywhere}
header{background:var(--card);border:1px solid var(--line);border-left:6px solid var(--bought);border-radius:8px;
padding:1rem}
header.refused{border-left-color:var(--refused)}
header.open{border-left-color:var(--other)}
h1{font-size:1.6rem;line-height:1.25;margin:.1rem 0 .8rem}
h2{font-size:1.15rem;line-height:1.3;margin:0 0 .5rem}
p{margin:.4rem 0}
.task,.quiet,dt,figcaption{color:var(--quiet);font-size:.875rem}
.task{margin:0}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(5.5rem,1fr));gap:.5rem 1rem;margin:0 0 .8rem}
dt{margin:0}
dd{margin:0;font-weight:600;font-variant-numeric:tabular-nums}
section{border-top:1px solid var(--line);margin-top:1.5rem;padding-top:1rem}
figure{margin:1rem 0}
svg.bids{display:block;overflow:visible;font:13px system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
svg text{fill:var(--ink)}
svg .figures,svg .axis{fill:var(--quiet);font-size:12px;font-variant-numeric:tabular-nums}
svg .axis{font-size:11px}
svg .name.bought{font-weight:700;fill:var(--bought)}
svg .name.other{fill:var(--quiet)}
.track{fill:var(--track)}
.bar.bought{fill:var(--bought)}
.bar.considered{fill:var(--considered)}
.bar.other{fill:var(--other)}
rect.score{fill:var(--ink);opacity:.55}
line.grid{stroke:var(--line)}
line.spread{stroke:var(--ink);stroke-width:1.5}
line.standing{stroke:var(--claim);stroke-width:2;stroke-dasharray:5 4}
circle.claim{fill:var(--paper);stroke:var(--claim);stroke-width:2}
figcaption{margin-top:.3rem;line-height:1.8}
.entry{white-space:nowrap;margin-right:.7rem}
.key{display:inline-block;width:.8rem;height:.6rem;border-radius:2px;margin-right:.35rem;vertical-align:baseline}
.key.bought{background:var(--bought)}
.key.considered{background:var(--considered)}
.key.other{background:var(--other)}
.key.score{height:.25rem;background:var(--ink);opacity:.55;vertical-align:middle}
.key.spread{height:0;border-top:2px solid var(--ink);vertical-align:middle}
.key.standing{height:0;border-top:2px dashed var(--claim);vertical-align:middle}
.key.claim{width:.7rem;height:.7rem;border:2px solid var(--claim);border-radius:50%;vertical-align:-1px}
.attempt{border-left:4px solid var(--considered);padding-left:.6rem}
.attempt.answered{border-left-color:var(--bought)}
.attempt.failed,.attempt.unfinished{border-left-color:var(--refused)}
details{margin:.6rem 0}
summary{cursor:pointer;font-weight:600;padding:.35rem 0}
ul{margin:.3rem 0;padding-left:1.2rem}
li{margin:.3rem 0;font-size:.9375rem}
code{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:.85em}
@media print{details{break-inside:avoid}}
"""
