#pragma once

#include <string_view>

namespace bundlesync::report {

/// All the style of the page at /. Its digest stands in Content-Security-Policy: nothing else can style the page.
inline constexpr std::string_view front_page_style = R"(
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1b1f24;--dim:#5c6670;--line:#dde1e6;--good:#1a7f4b;--warn:#8f5b00;--bad:#b42318;--good-bg:#e5f4ec;--warn-bg:#fdf2dc;--bad-bg:#fdeae8;--link:#0b5cad}
@media(prefers-color-scheme:dark){:root{--bg:#111418;--card:#191d23;--ink:#e7eaee;--dim:#9aa4af;--line:#2c323a;--good:#5fd497;--warn:#f0bd62;--bad:#ff8f84;--good-bg:#14301f;--warn-bg:#352813;--bad-bg:#3b1a18;--link:#79b8ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:70rem;margin:0 auto;padding:1.5rem 1rem 3rem}
header{display:flex;flex-wrap:wrap;gap:.25rem 1rem;align-items:baseline;margin-bottom:1rem}
*+header{margin-top:3rem}
h1{font-size:1.25rem;margin:0}
h2{font-size:.8rem;letter-spacing:.06em;text-transform:uppercase;color:var(--dim);margin:2rem 0 .5rem}
header span,.dim,time{color:var(--dim)}
a{color:var(--link)}
code,.mono{font:13px/1.5 ui-monospace,monospace;overflow-wrap:anywhere}
.sum{border-radius:8px;padding:.8rem 1rem;font-size:1.1rem;font-weight:600;overflow-wrap:anywhere}
.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}
.sum.good{background:var(--good-bg)}.sum.warn{background:var(--warn-bg)}.sum.bad{background:var(--bad-bg)}
.card{background:var(--card);border:1px solid var(--line);border-radius:8px;overflow:hidden}
table{width:100%;border-collapse:collapse}
th,td{text-align:left;vertical-align:top;padding:.5rem .8rem;border-top:1px solid var(--line);overflow-wrap:anywhere}
thead th{border-top:0;min-width:6.5rem;color:var(--dim);font-weight:500;font-size:.85rem;white-space:nowrap}
tbody th{font-weight:600}
small{display:block;color:var(--dim);font-size:.85rem}
.state{font-weight:600}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));margin:0}
dl div{padding:.5rem .8rem;overflow-wrap:anywhere;box-shadow:0 0 0 .5px var(--line)}
dt{color:var(--dim);font-size:.85rem}
dd{margin:0}
meter{width:100%;height:.7rem}
ol{list-style:none;margin:0;padding:0}
li{display:grid;grid-template-columns:7rem 1fr;gap:0 .8rem;padding:.4rem .8rem;border-top:1px solid var(--line)}
li:first-child{border-top:0}
p{margin:0;padding:.6rem .8rem}
p+p{border-top:1px solid var(--line)}
footer{margin-top:2rem;display:flex;flex-wrap:wrap;gap:.25rem 1rem}
@media(max-width:44rem){
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table,tbody,tr,td,tbody th{display:block}
tr{padding:.5rem 0;border-top:1px solid var(--line)}
tbody tr:first-child{border-top:0}
td,tbody th{border:0;padding:.1rem .8rem}
td{display:grid;grid-template-columns:5.5rem 1fr;gap:0 .6rem}
td::before{content:attr(data-of);color:var(--dim);font-size:.85rem}
td small{grid-column:2}
li{grid-template-columns:1fr}
}
)";

}  // namespace bundlesync::report
