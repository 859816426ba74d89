# Words that every language borrows, abbreviations, and international titles.
i: imho
yes: ok, okay, yes, yep, si
currency: eur=978, euro=978, euros=978, usd=840, dollar*=840, dolar*=840, bucks=840, gbp=826, pound=826, pounds=826, inr=356,
  rs=356, rupee*=356, rupaye=356, rupay*=356, brl=986, reais=986, real=986, chf=756, franken=756, cad=124, aud=36, mxn=484,
  pesos=484, peso=484, ars=32, clp=152, cop=170
scale: k=1000, mio=1000000, mm=1000000, tsd=1000, lakh=100000, lakhs=100000, lac=100000, lacs=100000, crore=10000000,
  crores=10000000, cr=10000000
per: pa=1, mtl=12, pm=12, mo=12, yr=1
funds: budget*, capex, opex
top_role: ceo, cto, cfo, coo, cmo, cio, ciso, cpo, cro, chro, cdo, vp, svp, evp, founder, cofounder, co-founder, md, owner, pdg, dg,
  president, co-ceo, coowner, co-owner, managing director, general manager, managing partner, vp of, vice president
mid_role: manager, head, head of, team lead, product owner, project manager, office manager, marketing manager, it manager,
  hr manager, teamlead, controller, admin
low_role: intern, trainee, assistant, junior, freelancer intern, praktikant*, student*
boss: boss, ceo, cto, cfo, coo, cmo, cio, founder, vp, director, md, chef, manager, fd
immediate: asap=0, a s a p=0, now=0, urgent=0
span: w=7
quarter: q1=1, q2=2, q3=3, q4=4
fiscal: fy, fy24, fy25, fy26, fy27, fy28
ordinal: th, st, nd, rd, er, o, a, ª, º
month: jan=1, feb=2, mar=3, apr=4, jun=6, jul=7, aug=8, sep=9, sept=9, oct=10, nov=11, dec=12
holiday: black friday=8, cyber monday=8, halloween=9, thanksgiving=7, diwali=11, ramadan=20, carnaval=2, bfcm=8, cyber week=8
meeting: demo, call, meeting, zoom, teams, webinar, meet
deadline: deadline, launch, go live, golive, kickoff, kick-off, relaunch, rollout
start: go live, go-live, live, onboarding start, start, launch, rollout, setup, kickoff
problem: excel, spreadsheet*, no-show*, noshow*, chaos, copy-paste, error*, bug*
weak: google sheet*, whatsapp
mask: no problem*, support automation, system of record
support: error #, bug report, ticket #, inv, ticket, login, log in, password
injection: ignore ~ instruction*, ignore ~ prompt, disregard ~ instruction*, system prompt, score me, score 100,
  forget ~ instruction*, override ~ instruction*, ignore ~ rules, forget ~ rules, mark me as, mark this [lead] as, jailbreak,
  developer mode, you are now, new instruction*, automated reader*, automated system*, note to ai, note to the ai, to the ai,
  treat me as ~ lead, rate me, classify me as, classify this as, set budget, lead score, score this
injection_word: score*, lead*, hot, instruction*, prompt, ignore, classify, decision_maker, authority, fits, system, mark, set, rating,
  qualified, treat, output, respond, assistant
vendor: seo agency, backlink*, link building, link-building, guest post*, moq, fob
price_question: quote please, price list, pricelist, price please, preis bitte
ask_timing: timeline, deadline, zeitplan, timeframe
ask_budget: budget*
yes: sure, 👍
