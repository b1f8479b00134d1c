"""The style sheet and the script of the page, both inline: there is nothing else to load, from anywhere."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

STYLE: Final = """
:root{color-scheme:light dark;--back:#f6f7f9;--card:#fff;--text:#1b1f24;--quiet:#57606a;--line:#d8dee4;--accent:#0550ae;
--good:#116329;--bad:#a40e26;--warn:#7d4e00;--goodback:#dafbe1;--badback:#ffebe9;--warnback:#fff3d1;
--c1:#0969da;--c2:#8250df;--c3:#1a7f37;--c4:#bf3989;--c5:#9a6700;--c6:#0f7b8a;--c0:#8c959f}
@media (prefers-color-scheme:dark){:root{--back:#0d1117;--card:#161b22;--text:#e6edf3;--quiet:#9da7b3;--line:#30363d;
--accent:#79b8ff;--good:#7ee787;--bad:#ffa198;--warn:#f2cc60;--goodback:#12261e;--badback:#2d1214;--warnback:#2a2111;
--c1:#58a6ff;--c2:#bc8cff;--c3:#56d364;--c4:#f778ba;--c5:#e3b341;--c6:#56d4dd;--c0:#6e7681}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
header,main,footer{max-width:72rem;margin:0 auto;padding:0 1rem}
header{display:flex;flex-wrap:wrap;align-items:baseline;gap:.25rem 1rem;padding-top:1.5rem}
h1{font-size:1.4rem;margin:0}h2{font-size:1.05rem;margin:0 0 .75rem}h3{font-size:.95rem;margin:1rem 0 .5rem}
p{margin:.25rem 0}a{color:var(--accent)}
.quiet,footer,caption,.empty{color:var(--quiet)}footer{padding:1rem 1rem 2rem;font-size:.85rem}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;
padding:1rem 1.1rem;margin:1rem 0;min-width:0}
.row{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,minmax(min(21rem,100%),1fr))}.row>section{margin:0}
.row{margin:1rem 0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;margin:0}dt{color:var(--quiet)}
dd{margin:0;min-width:0;overflow-wrap:anywhere}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.92rem}
caption{text-align:left;font-size:.85rem;padding-bottom:.35rem}
th,td{text-align:left;padding:.4rem .9rem .4rem 0;border-bottom:1px solid var(--line);vertical-align:top}
thead th{color:var(--quiet);font-weight:600;white-space:nowrap}tbody th{font-weight:600}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}th.number{text-align:right}
time{white-space:nowrap}code,pre,textarea,.code{font:.86rem/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
code{overflow-wrap:anywhere}pre{margin:.5rem 0 0;padding:.75rem;background:var(--back);border:1px solid var(--line);
border-radius:8px;overflow:auto;max-height:28rem;white-space:pre-wrap;overflow-wrap:anywhere}
.tag{display:inline-block;padding:0 .55rem;border-radius:999px;font-size:.82rem;font-weight:600;white-space:nowrap}
.good{color:var(--good);background:var(--goodback)}.bad{color:var(--bad);background:var(--badback)}
.warn{color:var(--warn);background:var(--warnback)}
.notice{border-left:4px solid;padding:.6rem .9rem;border-radius:6px;margin:.75rem 0;overflow-wrap:anywhere}
label{display:block;font-weight:600;font-size:.9rem;margin:.6rem 0 .2rem}
input,select,textarea{width:100%;padding:.5rem .6rem;border:1px solid var(--quiet);border-radius:6px;
background:var(--back);color:var(--text);font-size:1rem}textarea{min-height:4.5rem;resize:vertical}
td code,th code{white-space:nowrap;overflow-wrap:normal}.pair{display:grid;gap:0 1rem;
grid-template-columns:repeat(auto-fit,minmax(min(16rem,100%),1fr))}.strip{display:flex;flex-wrap:wrap;gap:.5rem 1rem;
align-items:center}.strip p{margin:0;overflow-wrap:anywhere}.strip button{margin:0}
button{margin-top:.75rem;padding:.5rem 1rem;border:1px solid var(--accent);border-radius:6px;background:var(--accent);
color:var(--card);font:inherit;font-weight:600;cursor:pointer}button.quiet{background:none;color:var(--accent)}
button.danger{background:var(--bad);border-color:var(--bad)}
.sure{display:flex;gap:.5rem;align-items:baseline;font-weight:400}.sure input{width:auto}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.timeline{width:100%;min-width:34rem;height:auto;display:block}.timeline .grid{stroke:var(--line)}
.axis{fill:var(--quiet);font-size:12px}.end{text-anchor:end}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1rem;margin:.5rem 0;padding:0;font-size:.9rem}
.swatch{display:inline-block;width:.8rem;height:.8rem;border-radius:3px;margin-right:.4rem;vertical-align:-.05rem}
rect.c0{fill:var(--c0)}rect.c1{fill:var(--c1)}rect.c2{fill:var(--c2)}rect.c3{fill:var(--c3)}rect.c4{fill:var(--c4)}
rect.c5{fill:var(--c5)}rect.c6{fill:var(--c6)}
.swatch.c0{background:var(--c0)}.swatch.c1{background:var(--c1)}.swatch.c2{background:var(--c2)}
.swatch.c3{background:var(--c3)}.swatch.c4{background:var(--c4)}.swatch.c5{background:var(--c5)}
.swatch.c6{background:var(--c6)}
details summary{cursor:pointer;color:var(--accent)}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--card);padding:.5rem 1rem}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
@media (max-width:40rem){dl{grid-template-columns:1fr}dt{margin-top:.4rem}th,td{padding-right:.6rem}}
"""

SCRIPT: Final = """
(()=>{'use strict';let token='',ends=0;const said=document.getElementById('said');
const main=()=>document.querySelector('main');
const end=(text)=>{try{return 1000*JSON.parse(atob(text.split('.')[1].replace(/-/g,'+').replace(/_/g,'/'))).exp||0;}
 catch(_){return 0;}};
const ask=async(body)=>{const headers=token?{Authorization:'Bearer '+token}:{};
 const answer=await fetch(location.pathname,
 {method:body?'POST':'GET',headers,body,cache:'no-store',credentials:'omit'});
 if(!(answer.headers.get('Content-Type')||'').startsWith('text/html'))throw new Error('no page');
 return [new DOMParser().parseFromString(await answer.text(),'text/html'),answer.status];};
const take=(page)=>{for(const fresh of page.querySelectorAll('[data-live]')){
 const old=fresh.id&&document.getElementById(fresh.id);if(old&&old.outerHTML!==fresh.outerHTML){
 const open=[...old.querySelectorAll('details')].map(one=>one.open);old.replaceWith(fresh);
 fresh.querySelectorAll('details').forEach((one,at)=>{one.open=open[at]??one.open;});}}};
const swap=(page)=>{main().replaceWith(page.querySelector('main'));
 const notice=document.querySelector('main [data-result]')||document.querySelector('main .notice');
 if(notice){notice.tabIndex=-1;notice.focus({preventScroll:false});}
 said.textContent=notice?notice.textContent.slice(0,200):'Done.';};
const leave=async()=>{token='';const notice=document.createElement('p');notice.className='notice warn';
 notice.textContent='Your token has ended: sign in with another one.';main().replaceChildren(notice);
 try{const [page]=await ask();if(!token){page.querySelector('main').prepend(notice);swap(page);}}
 catch(_){said.textContent='The service cannot be reached.';}};
document.addEventListener('submit',async(event)=>{const form=event.target;event.preventDefault();
 const body=new URLSearchParams(new FormData(form));
 if(event.submitter&&event.submitter.name)body.set(event.submitter.name,event.submitter.value);
 if(body.get('do')==='sign-in'){token=(body.get('token')||'').trim();ends=end(token);}
 if(body.get('do')==='sign-out'){token='';}
 if(token)body.delete('token');
 const had=token;
 try{const [page]=await ask(body);if(had===token)swap(page);}
 catch(_){said.textContent='The service cannot be reached, or did not take that.';}});
const look=async()=>{const had=token;if(!document.hidden){try{const [page,status]=await ask();
 if(had&&status>=500)throw new Error('nobody is known');
 if(had===token){if(had&&page.getElementById('f-token')){token='';swap(page);}else take(page);}
 document.body.classList.remove('lost');}
 catch(_){said.textContent='The service cannot be reached; what is shown is no longer current.';}}
 setTimeout(look,5000);};
setInterval(()=>{if(token&&ends&&Date.now()>=ends)leave();},500);
setTimeout(look,5000);})();
"""


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def content_security_policy() -> str:
    """Return the policy under which the page runs: our style, our script, and nothing else from anywhere."""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src {_hash(STYLE)}",
            f"script-src {_hash(SCRIPT)}",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )
