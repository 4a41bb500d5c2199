/// How the report looks, on light and dark screens.
enum ReportStyle {
    /// Of one chart, which may be taken out of the page alone; the colours stay apart for people who see few of them.
    static let chart = """
        .chart{--paper:#fff;--ink:#1b2330;--faint:#5d6877;--grid:#e4e8ee;--c0:#1769c4;--c1:#d9480f;--c2:#5b6573;\
        --band:#f59f00;--calm:#8a94a3;font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
        @media (prefers-color-scheme:dark){.chart{--paper:#161b22;--ink:#e6edf3;--faint:#9aa6b4;--grid:#2a323d;--c0:#6cb2ff;\
        --c1:#ff9255;--c2:#aab4c0;--band:#f2b134;--calm:#6b7685}}
        .chart .paper{fill:var(--paper)}.chart text{fill:var(--ink)}.chart .title{font-size:17px;font-weight:600}
        .chart .small{font-size:13px;fill:var(--faint)}.chart .tick{font-size:12px;fill:var(--faint)}
        .chart .end{text-anchor:end}.chart .middle{text-anchor:middle}
        .chart .grid{stroke:var(--grid);stroke-width:1}.chart .mark{stroke:var(--faint);stroke-width:1}
        .chart .line{fill:none;stroke-width:2;stroke-linejoin:round}.chart .area{stroke:none;opacity:.14}
        .chart .line.s0{stroke:var(--c0)}.chart .line.s1{stroke:var(--c1)}.chart .line.s2{stroke:var(--c2);stroke-dasharray:5 4}
        .chart .line.s3{stroke:var(--c0);stroke-dasharray:2 3}.chart .line.s4{stroke:var(--c1);stroke-dasharray:2 3}
        .chart .line.s5{stroke:var(--c2);stroke-dasharray:9 3 2 3}
        .chart .area.s0,.chart .dot.s0{fill:var(--c0)}.chart .area.s1,.chart .dot.s1{fill:var(--c1)}\
        .chart .area.s2,.chart .dot.s2{fill:var(--c2)}
        .chart .band{fill:var(--band);opacity:.16}.chart .calm{fill:var(--calm);opacity:.12}
        .chart .edge{stroke:var(--band);stroke-width:1.5}.chart .badge{fill:var(--band)}
        .chart .number{font-size:10px;font-weight:700;text-anchor:middle;fill:#1b2330}
        """

    static let page = """
        :root{color-scheme:light dark;--paper:#fff;--back:#f4f6f9;--ink:#1b2330;--faint:#5d6877;--line:#dde2e9;--good:#12703a;\
        --bad:#b42318;--goodback:#e3f4e9;--badback:#fdeae8}
        @media (prefers-color-scheme:dark){:root{--paper:#161b22;--back:#0d1117;--ink:#e6edf3;--faint:#9aa6b4;--line:#2a323d;\
        --good:#5fd08a;--bad:#ff8f85;--goodback:#12301f;--badback:#3a1715}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--back);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,\
        "DejaVu Sans",sans-serif}
        main{max-width:1500px;margin:0 auto;padding:28px 24px 48px}
        h1{font-size:28px;margin:0 0 4px;display:flex;gap:14px;align-items:center;flex-wrap:wrap}
        h2{font-size:18px;margin:32px 0 10px}p{margin:4px 0;max-width:80ch}
        .badge-word{font-size:14px;font-weight:600;padding:2px 12px;border-radius:99px}
        .good{color:var(--good)}.bad{color:var(--bad)}.badge-word.good{background:var(--goodback)}\
        .badge-word.bad{background:var(--badback)}
        .faint{color:var(--faint)}
        dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(180px,1fr));gap:10px 24px;margin:18px 0 0}
        dt{color:var(--faint);font-size:13px}dd{margin:0;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
        .scroll{overflow-x:auto;background:var(--paper);border:1px solid var(--line);border-radius:10px}
        table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:8px 14px;vertical-align:top;\
        border-bottom:1px solid var(--line)}
        th{font-size:13px;color:var(--faint);font-weight:600}tr:last-child td{border-bottom:0}
        td.number,th.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
        .charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,560px),1fr));gap:18px}
        figure{margin:0;background:var(--paper);border:1px solid var(--line);border-radius:10px;padding:10px 10px 12px;overflow:hidden}
        figure svg{display:block;width:100%;height:auto}figcaption{color:var(--faint);font-size:13px;padding:2px 14px 0}
        .pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:18px;align-items:start}
        code,pre{font-family:ui-monospace,"DejaVu Sans Mono",Menlo,monospace;font-size:13px}
        pre{margin:0;padding:12px 14px;overflow:auto;max-height:420px}summary{cursor:pointer;padding:8px 0}
        """
}
