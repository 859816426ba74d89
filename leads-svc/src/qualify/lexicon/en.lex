# English
@i: i|we|im|ive|ill|id
@be: am|m|are|re|was
@det: the|a|an|our|my|this|that|any|some|your
fn: when, where, does, should, could, any, were, than, these, only, much, the, is, are, and, to, we, you, of, for, with, have, it, our, this, that, what, how, your, from, be, but, do, does, at, i, not,
  can, need, would, they, there, on, in, my, was, its, an, as, by, when, who, which, he, she, has, get, or, if, just, yes,
  hi, hello, thanks, will, been, us, looking, want, like, about, some, any, no, up, so, one, per, thing, u, ur, ok, right, after

i: i, we, im, ive, id, weve, us, myself, ourselves, me, ours, mine, @i
my: my
our: our, ours
other: he, she, they, his, her, their, them, him, someone else, somebody else, hes, shes, theyre, someone above
neg: not, no, never, dont, doesnt, didnt, isnt, arent, wont, cant, cannot, couldnt, wouldnt, havent, hasnt, nothing, without, neither,
  don't, doesn't, didn't, isn't, aren't, won't, can't, couldn't, wouldn't, haven't, hasn't, wasn't, shouldn't, ain't, aint, nobody,
  hardly, barely, none, no longer, nope
yes: yes, yep, yeah, yea, yup, correct, exactly, indeed, absolutely, definitely, of course, sounds right, that works, thats right,
  that's right, works for me, fine, should be fine, that's me, thats me, i do, i am, i would, we do, we are, that'd work, doable,
  realistic, it is, certainly, affirmative, y, ya, perfect, workable, manageable, right, that would work, we could do that
no: no, nope, nah, not really, not exactly, god no, no no, negative, not me, none, not quite, me no, i wish, not at all, not yet,
  nothing wrong, not a burning, nothing specific, nothing in particular, nothing major, nothing really, not that i know, no idea, n
but: but, however, although, though, whereas, while, because, bc, since then, instead, yet, except
past: last year, last month, last week, last quarter, last summer, last winter, last spring, last autumn, last fall, last season,
  last storm, last time, last audit, last inventory, last friday, last monday, last tuesday, last wednesday, last thursday,
  last january, last february, last march, last april, last may, last june, last july, last august, last september, last october,
  last november, last december, ago, since, used to, previously, former, formerly, back in, earlier this year, yesterday,
  was, were, had, went, came, lost, hit, found, paid, signed, approved, broke, left, started, moved, bought, happened, past, ended,
  told, launched, in the past, cancelled, failed, missed, so far, already, until last, recently, over the summer we
i_am: i am, i'm, im, we are, we're, this is, it's me, its me, i work as, i act as, working as, as the, me, my role is, my title is,
  i serve as, speaking as, my job is, i also, being the, i happen to be, as your
i_was: i was, used to be, former, ex, i used to, formerly, previously
number: one=1, two=2, three=3, four=4, five=5, six=6, seven=7, eight=8, nine=9, ten=10, eleven=11, twelve=12, thirteen=13,
  fourteen=14, fifteen=15, sixteen=16, seventeen=17, eighteen=18, nineteen=19, twenty=20, thirty=30, forty=40, fifty=50, sixty=60,
  seventy=70, eighty=80, ninety=90, a couple of=2, couple of=2, a couple=2, couple=2, a few=3, few=3, several=4, half a=0.5, a=1,
  an=1, dozen=12, a dozen=12, one and a half=1.5, twenty five=25, thirty five=35, forty five=45, hundred=100, a hundred=100

# money
funds: budget, budgets, funding, funds, money, spend, capital, cash, grant money, purchase order, financing, expenditure, allocation,
  line item, costs are, cost center, purse, investment, credit line, the cost is
approved: covers it, pays for it, payout covers, taken care of, paid for by, is covered by, ringfenced, approved, signed off, released, set aside, put aside, put by, allocated, earmarked, secured, sanctioned, cleared, confirmed,
  available, reserved, ring-fenced, ringfenced, ring fenced, green light*, greenlit, granted, agreed, in place, ready, unlocked,
  come through, came through, is there, s there, provisioned, budgeted, got the ok, okayed, ok'd, rubber stamped, voted through,
  waved through, authorised, authorized, committed, in the bank, saved up, put away, lined up, planned in, accounted for, freed up,
  carved out, not an issue, not a problem, not the problem, is covered, on the books, passed, given the nod, has gone through,
  tucked away, in the plan, in this year's plan, is sorted
exists: have, has, got, there is, there's, theres, we've, weve, is in the, its in the, it's in the, included in, within, in our, in the,
  part of
mask: on a budget, budget friendly, budget-friendly, budget holder, budget owner, money's worth, last mile, carrier bag, lead time,
  not only, why not, no need to loop, not just, no doubt, no matter, no joke, no kidding, no worries, not to mention, can't wait,
  don't forget, not sure if you, no fuss, at the moment, may i, may we, may be, we may, i may, it may, you may, that may, may have,
  may not, may want, may need, last but not least, to date, out of date, up to date, up to speed, right now i, second hand, hand over,
  second opinion, no later than, not later than, half of, half the, a half, start of the art, start up, startup, start-up, for a second,
  on second thought, one man band, a lot, at night, one of, time and money, i don't mind, state of the art, fall behind, fall apart,
  fell over, falls over, march through, sat down, quote unquote, the money pit, spring for, rings a bell, the other day, day to day,
  day in day out, once a day, a day, per day, every day, a second, no time, in no time, save money, saves money, makes money,
  losing money, lose money, wasting money, waste money, costing us money, lost money
no_funds: no budget, no money, zero budget, no funds, no funding, without budget, can't afford, cannot afford, cant afford,
  couldn't afford, don't have ~ budget, don't have ~ money, dont have ~ budget, dont have ~ money, do not have ~ budget,
  do not have ~ money, budget is frozen, budgets are frozen, budget freeze, spending freeze, no cash, broke, skint, not paying for,
  nothing in the budget, nothing budgeted, nothing earmarked, nothing left in ~ budget, zero for #, isn't any money, isn't any budget,
  not got any money, not got the money, no spare cash, not a penny, not a cent to spend, zero dollars, there is none, out of budget,
  budget is gone, budget is spent, budget has been cut, not willing to pay, won't pay, not going to pay, no budget at all,
  haven't got ~ budget, haven't got ~ money, budget got cut, budget was cut, money is tight, hasn't been funded, not funded,
  no budget until, no money until, nothing to spend, looking for something free, needs to be free, has to be free
pending: not yet approved, once approved, if approved, waiting for approval, waiting on approval, awaiting approval, pending, to be approved, needs to be approved, still has to be approved, hasn't been approved, not approved yet, haven't approved, asking for budget, ask for budget, request budget, apply for, applied for, hoping to get, need to get budget, trying to get
mask: how much time, how much data, how much space, how much longer, how much of, how much work, how much storage
no_figure: no figure, no number, not set ~ budget, haven't set, havent set, no set budget, no fixed budget, no specific budget,
  don't have ~ number, don't have ~ figure, no budget in mind, not sure about ~ budget, not sure what ~ budget, don't know ~ budget,
  dont know ~ budget, no idea ~ budget, not decided on ~ budget, haven't decided, nobody gave me the number, no clue how much,
  don't have a budget in mind, no budget defined, no formal budget, no official budget, not a fixed budget, budget isn't set,
  budget is not set, no exact budget, don't have a budget yet, haven't budgeted, no budget yet, not about the money,
  don't know what ~ costs, no ceiling
own_figure: go as high as, as high as, go up to, i could stretch, would go to, happy with, covers it, we had, i had, up to, at most, max, maximum, tops, no more than, not more than, can spend, could spend, can pay, could pay, can go to, could do, can do, afford, budget, budgeted, put aside, set aside, put by, earmarked, allocated, to spend, to work with, to play with, i can put, we can put, carved out, prepared to pay, willing to pay, happy to pay, approved, sanctioned, our limit, my limit, ceiling, cap, capped at, limit, not a cent more, could defend, stretch to, comfortable with, invest, looking to spend, planning to spend, pencilled in, penciled in, told me to work with, for the lot, is what we, that's what we, line in, for the first year, not a penny more, is the number, is the figure, stay under, keep it under, no higher than, signed off, released, secured, ready to spend, in the range of, in the region of, we'd pay, i'd pay, won't go above, not above, can't go above
weak_own: around, about, roughly, somewhere between, between, we have, i have, we've got, weve got, ive got, i've got, at least, upwards of, north of, ballpark, for it, for this, is fine, is ok, would be fine, all in, all-in, under, below, less than, within, saved
price_question: what it runs, what it costs, what they cost, what you charge, what these cost, what that costs, how much it, run me, run us, shoot over ~ rates, what are we looking at, what am i looking at, how pricey, how expensive, what do you ask, going rate, how much [do|does|is|are|would|will|it|for|this|cost|you|to|s|r|did|were|might|should|your|per|roughly|all|a|an|one|any|the],
  how much, what [do|does|would|will|did|might] ~ cost*, what's the price, what is the price, whats the price, what ~ price*,
  what ~ charge*, what are your prices, what are your rates, your rates, your prices, your pricing, pricing page, price list,
  pricing info*, pricing details, send ~ pricing, send ~ price*, send ~ quote, get ~ quote, get ~ price*, get prices, need ~ quote,
  need ~ price*, want ~ price*, give ~ quote, give ~ price*, a quote for, ballpark figure for, ballpark price, cost me, cost us for,
  know ~ price*, know ~ cost*, know ~ pricing, ask ~ price*, asking ~ price*, about pricing, about prices, about the price,
  rough cost*, rough price*, rough idea of ~ cost*, idea of ~ cost*, idea of ~ price*, idea of pricing, set you back, set me back, set us back,
  what sort of money, what kind of money, what's the damage, whats the damage, what would i pay, what would we pay, what do people pay,
  price range, cost breakdown, is it free, is there a free, free trial, free plan, cheapest plan, cheapest option, price for,
  pricing?, price?, prices?, the cost of, the price of, estimate for, an estimate, what are the costs, starting price,
  your fees, the fees, your fee, monthly fee?, what is it going to cost, see pricing, see prices, compare prices, payment plan*
price_sensitive: cheaper, too expensive, expensive, pricey, discount, a deal, too much for us, bit much, bit steep, steep, nuts,
  out of our range, better price, lower price, best price, price matters, affordable, on a shoestring, tight budget, cheap, costly,
  special offer, student discount, cost effective, cost-effective
foreign: quoted, they charge, they charged, they wanted, wanted, they want, they asked, asks, charges, competitor*, another vendor,
  other vendor, another provider, other provider, other agency, another company, another supplier, other quote*, another quote,
  paid # for his, paid # for hers, my brother, my sister, my cousin, my friend, a friend, neighbour, neighbor, his, hers, theirs,
  they offered, offer from, they're asking, theyre asking, their price, their quote, their plan, from manhattan, vendor said,
  other place*, old place, list price, they told us, versus, elsewhere, came in at, was quoted, got quoted, a quote of
current: currently pay*, currently, paying, pay now, we pay, i pay, was paying, were paying, we spend, i spend, costs us, costs me,
  bill, bills, invoice*, current agency, current provider, current supplier, current vendor, right now we, today we, per year now, existing contract,
  rent is, renewal is, at the moment, existing provider, we were paying, electric bill, costs
loss: cost us, cost me, lost, losing, loses, losses, fined, fine of, damage*, missing, wasted, wasting, disputed, rework, refund*,
  write-off*, wrote off, penalty, penalties, stolen, stuck, worth, deposit, overpaid, leaking, burning, shrinkage, in fees,
  in lost sales, paid out, hole
revenue: revenue, turnover, sales, raised, seed, series, pre-seed, salary, wage*, commission, grant, listing, cover, deal, deals, arr,
  mrr, gmv, pipeline, orders, valuation, loan, mortgage, funding round, goes to, go to, for hires, the rest, profit, income, profits,
  turn over, in sales, ticket size, average order, order value, basket, expecting, asset*, portfolio, transactions, ad spend
unit: per seat, per user, per head, per employee, per person, per agent, per plate, per guest, a head, a seat, a user, each, per licence,
  per license, per desk, per site, per location, per store, per vehicle, per truck, per student, apiece, per unit, per bed, per room,
  per driver, per learner, per device, per room, a person, an employee, per month per user, per mailbox, per team member, per lesson=1,
  per van, per car, per shop, per branch, per property, per rep
people: employee*, people, staff, users, seats, agents, headcount, ppl, team members, workers, drivers, guests, students, licences,
  licenses, reps, of us, persons, colleagues, members, heads, stores, vehicles, trucks, locations, learners, nurses, teachers, pickers,
  sites, vans, offices, shops, branches, properties, devices, rooms, beds, desks
per: a month=12, per month=12, monthly=12, each month=12, every month=12, month=12, mth=12, the month=12, mo=12, pcm=12, a year=1,
  per year=1, yearly=1, annually=1, annual=1, per annum=1, p a=1, a yr=1, yr=1, year=1, a quarter=4, per quarter=4, quarterly=4,
  a week=52, per week=52, weekly=52, a day=365, per day=365, each year=1, per month per=12, every quarter=4
scale: thousand=1000, grand=1000, million=1000000, mil=1000000, m=1000000, hundred=100, bn=1000000000, billion=1000000000, g=1000, thou=1000, mn=1000000
currency: quid=826, pound=826, usd=840, us dollars=840, sterling=826
share: half=0.5, half of that=0.5, half that=0.5, a third=0.33, a quarter of that=0.25, twice that=2, double that=2, double=2, a tenth=0.1
correction: sorry no, correction, actually, i meant, make that, scratch that, my mistake, just checked, update, now it is, it is now,
  checked with, it's now, instead, revised, changed to, dropped to, went up to, turns out, rather, wrote this morning, i misspoke,
  let me correct, bumped to, bumped it to, cut to, reduced to, raised to, wait

# authority
top_role: owner, founder, co-owner, proprietor, partner at, managing partner, chief, director general, managing director, general manager,
  executive director, sole trader, sole proprietor, self employed, self-employed, freelancer, ceo, cto, president, principal, head teacher,
  chairman, chairwoman, budget holder, budget owner, headteacher, practice owner, one man band, one-man band, solopreneur,
  co-founder, chief of, restaurateur, homeowner, home owner, vice president, vp
mid_role: manager, head of, team leader, supervisor, coordinator, director of, team leader, analyst, engineer, specialist, officer, executive,
  consultant, administrator, buyer, procurement, planner, architect, developer, controller, director, generalist, accountant, advisor,
  adviser, head, recruiter, designer, principal engineer, foreman, marketer, secretary general, operations, in charge of, responsible for,
  i look after, i run marketing, i handle, people ops, i manage, superintendent, bursar, technician
low_role: intern, trainee, apprentice, assistant, receptionist, junior, secretary, nurse, student, shift worker, worker, clerk, temp,
  cashier, waiter, waitress, barista, volunteer, pupil, end user, an employee, work experience, working student, team assistant,
  office junior, cleaner, warehouse worker, picker, bartender, student's, graduate student, phd, undergrad, schoolkid, part timer,
  part-timer, just an employee, new here
boss: my boss, the boss, boss, our ceo, my ceo, the ceo, our director, the director, my manager, my director, our founder, the founder,
  the owner, management, head office, headquarters, hq, leadership, upper management, higher ups, higher-ups, c suite, procurement, finance,
  legal, our cfo, the cfo, my supervisor, managing director, our md, the md, vp ops, the vp, our vp, partners, line manager, my lead,
  general manager, the gm, the principal, headmaster, purchasing, the team lead, department head, our coo, our cto, the coo, the cto,
  headteacher, the trustees, our owner, accounting, the accountant, corporate, group, the dean, plant manager, the landlord, landlord,
  the minister, our president, the president, the bursar, my client, the client, our fd, the fd
family: husband, wife, partner, fiance*, mum, mom, dad, father, mother, parents, girlfriend, boyfriend, son, daughter, brother, sister,
  hubby, spouse, missus, other half, nephew, niece, business partner, family, roommate, in-laws, better half
body: board, committee, council, panel, governors, commissioners, trustees, steering group, management team, leadership team, shareholders,
  investors, all partners, procurement team, executive team, the team, jury, working group, steering committee, tender board, exec team
decide: decide, decides, deciding, decision, decisions, sign, signs, signing, sign off, signs off, approve, approves, approval, final say,
  last word, final word, the call, makes the call, the final call, ok it, okay it, pick, picks, vote, votes, green-light*, authority,
  pays, holds the purse*, purse strings, controls the budget, chooses, choose, buys, orders, has a veto, final approval, authorise*, authorize*,
  pull the trigger, pulls the trigger, go-ahead, has the say, the shots, rubber stamp*, award, cut the check, cuts the check, budget,
  say yes, says yes, commit, approver, signatory, purchase, decision maker, decision-maker, the pen, checkbook, chequebook, gives the nod
i_decide: i decide, i sign, i make the [final] decision*, i make the call, i approve, i'm the decision maker, im the decision maker,
  i am the decision maker, my decision, my call, up to me, it's on me, i have the final, i've the final, i have final say, final say is mine,
  i have the last, i call the shots, i control the budget, i own the budget, i own ~ spend, i own ~ budget, i hold the budget,
  i hold the purse, i have signing, i can sign, i'll sign, i get to decide, i get the final, decision is mine, the decision is mine,
  i run the show, i run this, i run the place, i am in charge, i'm in charge, buck stops with me, i hold the purse strings,
  i'm the one who decides, i'm the one who signs, i'm the one who pays, i do the buying, my name goes on, i can approve, i could sign,
  i have budget authority, i have authority, solely my, entirely my, decide myself, sign it myself, sign off myself, my signature,
  no one else, nobody else, nobody lol, just me, only me, it's me, its me, that's me, thats me, me alone, by myself, on my own, yours truly,
  i do, i choose, i pick, i pick the vendor*, i buy, i sign the, i authorise, i authorize, i have the power, i make those decision*,
  i make all, we decide together with my co-founder, my checkbook, the checkbook is mine, the chequebook is mine, purse strings are mine,
  that would be me, that'd be me, one person company, no committee, don't need anyone's, don't need anybody's, don't need approval,
  no need for approval, without asking anyone, no one to ask, nobody to ask, i answer to nobody, i pay for it, i pay myself, i pay for this, paying for it myself,
  out of my own pocket, my own money, i'm paying, im paying, i have the company card, i am paying, it's my money, i hold the pen,
  my co-founder and me, my cofounder and me, my co-founder and i, my cofounder and i, decision rests with me, decision sits with me,
  it's all me, all me, rests with me, sits with me, comes down to me, down to me, stops with me
others_decide: not my decision, not my call, not up to me, isn't up to me, not me who decides, above my pay*, i don't decide, i dont decide,
  i do not decide, not the decision maker, not the budget holder, not mine to make, decision isn't mine, out of my hands, not the one who,
  can't sign, cannot sign, can't decide, cannot decide, can't approve, don't sign, not authorised, not authorized, decision isn't with me,
  has the final, have the final, has the last, has final say, has last word, makes the final, make the final, signs these things off, holds the purse,
  has to approve, have to approve, has to sign, have to sign, needs to approve, needs to sign, must approve, has to ok, have to ok,
  both have to, final decision is with, decision lies with, decision sits with the, goes to the board, who makes the call
needs_ok: run it by, run it past, run this by, run this past, check with, ask my, ask him, ask her, convince, convincing, get approval,
  get the ok, get sign-off, need approval, needs approval, need sign-off, needs sign-off, sign-off from, approval from, pitch it to,
  sell it to, talk to my, discuss with, discuss it with, on board with, buy-in, clear it with, present it to, take it to, bring it to,
  has to see it, needs to see it, has to agree, must agree, needs to agree, has to like, needs convincing, unless he, unless she,
  if he agrees, if she agrees, if he says, if she says, permission, has to be happy, subject to approval, get the green light, go through procurement,
  get my manager, get my boss, speak to my, speak with my, together with my, both agree, both need to, we both, jointly,
  won't sign, get it past, get this past, get it through, ok from, blessing, get him to, get her to, with my husband, with my wife,
  present to, report to, take to the, submit to, sign-off by, signed off by, approved by
i_own: i own, i co-own, own a, own the, my own business, i founded, i started this, i started the, i started my, started the studio,
  started the company, started the business, own my, it's my company, its my company, it's my business, its my business, it's my practice,
  it is my practice, it is my company, it is my business, my company yes, all mine, we own the, we own a, i have my own, i run my own,
  our own house, own home, own house, my house, our house, it's ours, its ours, it's mine, its mine, mine now, yes mine, is mine,
  yes ours, i opened, i set up my, family business, i bought the, sole owner, is my baby, bought a house, bought our, homeowner*, my flat,
  my home, our home, got my own, i am self, my clinic, my restaurant, my salon, my shop, my store, my bakery, my farm, my studio, my gym, my hotel,
  my firm, my practice, my business, my café, my bar, my garage, my agency, my startup, my start-up, my franchise, my dealership, my brewery,
  i let out, my tenants, a place i let
run: i run, i've got, ive got, i have, i manage my own, got #, running, run a small, we run, im running, i operate
business: restaurant, salon, salons, shop, shops, clinic, bakery, farm, studio, gym, hotel, practice, garage, dealership, brewery, cafe, café,
  nursery, boutique, guesthouse, winery, barbershop, small business, small agency, food truck, tattoo studio, dental practice,
  law firm, plumbing business, e-commerce store, online store, online shop, etsy shop, shopify store, landscaping business, yoga studio
evaluate: evaluate, evaluates, evaluating, evaluation, compare, comparing, shortlist*, short-list*, recommend*, research*, vet, vetting,
  assess*, scout*, scope, scoping, collect ~ offers, collect ~ quotes, collect offers, collect quotes, legwork, gather*, the pilot, trials, due diligence,
  business case, one-pager, one pager, specs, rfp, tender, propose, proposes, present, score the, scores the, technical eval, eval, review*,
  look into, looking into, narrow*, put forward, put in front, prepare the, draft the, bids, report back, make the case, part of the committee,
  part of the team, on the committee, my input, i advise, my recommendation, one of # on, one of # on, champion
i_evaluate: i evaluate, i'm evaluating, im evaluating, i compare, i'm comparing, i shortlist, i recommend, i bring the recommendation, i do the research,
  i do the legwork, i do the eval*, i'm doing the ~ eval*, i prepare, i present, i propose, i collect, i advise, i gather, i draft, i'll draft,
  i'd write, i'll write, i write up, i run the trials, i run the pilot, i test, i sit on, i'm on the ~ committee, i'm on the ~ panel,
  i'm one of, im one of, part of the ~ committee, part of the ~ panel, part of the ~ team, my job is to, i put together, i was asked to compare, i was asked to evaluate,
  i'm tasked with, tasked with, i've been asked, i have been asked, asked to find, asked me to compare, asked me to evaluate, asked me to find, asked me to recommend,
  i bring the, i make the recommendation, i give my, have a say, i have input, i influence, tell him what, tell her what, tell them what,
  tell her who, tell him who, he'll go with what i, she'll go with what i, they go with what i, usually follow my, follow my recommendation,
  listens to me, i scope, i vet, i narrow, i lead the evaluation, i'm leading the, i handle the selection, i screen, i score them, i report to
no_say: no say, no vote, not my department, i just work here, i only work here, just work here, nothing to do with the decision, i make the tea, i just use,
  i only use, just a user, just the user, just an end user, just asking for, just the messenger, asking for a friend, on behalf of my boss,
  not involved in, don't get a say, dont get a say, have no influence, nobody asks me, not in my power, i just answer the phone, don't decide anything,
  just an employee, just a nurse, just staff, just the intern, just an intern, only the receptionist, only an intern, just the receptionist, just the assistant,
  only the assistant, just helping, no decision power, just curious, just doing what, i'm just the, im just the, i'm only the, im only the, i'm just a, im just a,
  i just do what, not my place, way below, no authority, i have no
errand: my boss asked me to, boss asked me, my boss wants me to, was told to, told me to look, told me to ask, told me to find, was asked to get, asked me to get,
  was asked to ask, got told to, look things up for, looking for my, looking this up for, on behalf of, he told me to, she told me to, sent me to, asked me to check prices,
  asked me to find out, i ask for her, i ask for him, asking for my, gave me the phone, they gave me the, i was told, asking on behalf
rents: rent, renting, renter, i rent, we rent, tenant, im a tenant, i'm a tenant, landlord owns, rented flat, rented, leasing the flat, rental
minor: im 12, im 13, im 14, im 15, im 16, im 17, i'm 12, i'm 13, i'm 14, i'm 15, i'm 16, i'm 17, am 14, am 15, am 16, am 17, underage, high school, in school,
  10th grade, 11th grade, 9th grade, my mom does, my parents pay
alone: nobody, no one, noone, none, alone, solo, only me, just me, myself, me, just myself
# need
problem: burgl*, robbed, break-in, vandal*, disappear*, useless, forgot, forgets, calling people, never show up, ignore, goes missing, go missing, misses, missed, missing, miss, lost, lose, losing, loses, loss, broken, breaks, broke, breaking, fail, fails, failed, failing, failure*, crash*, down,
  outage*, slow, slower, late, delay*, wrong, mistake*, mispick*, mess, messy, messing, nightmare, hell, stuck, struggl*, swamped, overwhelmed, drowning, behind, backlog,
  manual, manually, by hand, on paper, index cards, diary, diaries, sticky notes, post-its, pen and paper, notebook, paper, spreadsheet*, excel, complain*, complaint*,
  angry, leak*, rot*, rotted, mould, mold, mice, dust, swollen, cracked, burnt, damaged, stolen, theft, spoil*, expir*, overdue, fined, penalt*, audit finding*,
  breach*, ransomware, hacked, phishing, incident*, vulnerab*, duplicat*, double book*, overbook*, double-book*, no-show*, bounce*, churn*, dropped, drops, fallen, fell, falling, declin*,
  tanked, plummet*, doubled, tripled, gone up, skyrocket*, too high, expensive to run, waste*, wasting, hours a, hours every, hours per, days to, takes us, takes forever, take forever, takes #, took #, wait #,
  unanswered, no one answers, nobody answers, nobody picks, nobody knows, nobody saw, nobody understands, no visibility, blind, can't tell, can't see, can't find, cannot find, can not find,
  can't keep up, cannot keep up, can't handle, couldn't, couldnt, can't scale, outgrow*, outgrew, doesn't scale, don't talk to each other, do not speak, don't sync, doesn't sync, out of sync, not synced,
  disconnected, siloed, silos, re-key*, rekey*, retype*, retyping, copy paste, copy-paste, copying, error prone, errors, error rate, inaccura*, accuracy, incorrect*, disputed, rework, returned, return rate,
  refunds, cancelled, canceled, bankrupt, end of life, shutting, shuts, shut down, discontinued, sunset*, condemned, blown, overflow*, empty, gets lost, get lost, go cold, going cold, slip*, fall through, falls through, forgotten,
  forgets, forget, chase, chases, chasing, nagging, unhappy, frustrat*, fed up, sick of, tired of, painful, pain, pain point*, headache, bottleneck*, choke*, problem*, issue*, trouble*, challenge*, unreliable, flaky, buggy, freez*,
  never arrive*, never answer*, never came, never show*, does not work, doesn't work, not working, stopped working, stops working, scattered, all over the place, chaotic, unclear who, not compliant, non-compliant, won't renew, will not renew,
  dies, died, dying, wobbly, falling apart, fell over, falls over, goes down, went down, understaffed, short staffed, short-staffed, quit, left us, walked away, walk away, abandon*, give up, gave up, went to the, go to a competitor,
  signed w, signed with somebody, lapse*, injur*, accident*, complianc* gap, gap, gaps, flat rate wrong, travo, blocked, unpaid, arrears, bill for, electricity bill, power bill, energy bill, heating bill, carrier bag, shoebox, no idea who, no idea where, no idea which,
  can't prove, cannot prove, could not prove, couldn't prove, can't book, can't reach, unresponsive, unsafe, unstable, too many, too much time, too long, so long, every single, one by one, each in his, each keeps, keeps his, outdated, legacy,
  leaves on, guy called, stops, stopped, fire drill, firefighting, ghosted, flood*, broke down, break down, noise, draughty, cold rooms, itch*, hurts, bleeding, off page one, page two, lost rankings, traffic has, plateau*, stagnat*, stalled
weak: old, rubbish, terrible, awful, bad, poor, hard, difficult, annoying, tedious, boring, hate, queue*, pile*, stack of, dozens, hundreds, thousands, every day, every week, each week, daily, at midnight, at night, weekends, after hours, after 5pm, nobody, no one,
  a week, per week, per day, a day, per hour, in a morning, none of, half of, most of, only one, single person, one person, never, still, anymore, any more, increase*, growing, grown, nervous, risk*, audit, auditor, regulator, certif*, compliance, insurer, inspection, required, requires, must have, report, peak, growth, scale, need help, asks for, ask for a, two of the, switch from, replace, replacing, migrate off
ability: can't, cant, cannot, couldn't, unable, not able, impossible, no way to, doesn't let, won't let, not possible, struggle to
want: need, needs, want, wants, looking for, look for, looking at, interested, would like, id like, we'd like, we need, we want, searching for, thinking about, thinking of, considering, consider, in the market for, fancy, do you have, do you do, do you offer,
  do you guys, do you lot, do u, do yall, can you help, could you help, is there anything for, hoping to, tell me about, tell me more, more info*, curious, heard about, saw your, wanted to ask, question about, learn more, find out, does your, do you cover, getting, a demo, brochure, can i get, pls send info, prices for, wondering if, get some info
wish: would be nice, would be great, would be cool, might be nice, i like the idea, keep up with the times, wish, one day, someday, maybe, something modern, something like this, could be useful, dream*, nice to have, some kind of, sort of thing, something in that direction, a bit more, more eyeballs, general interest, in general, just looking, just want a price, just browsing, thought i would see, says i need
vague: something, somehow, some kind, not sure, dunno, no idea, don't know, haven't defined, haven't really, whatever, anything, improve, better, modern, modernise, modernize, grow, optimise, optimize, digital, everyone says, generally, just, stuff, thing, cute
no_need: not looking for anything, not looking to buy, don't need anything, dont need anything, no need for, nothing to test, not interested, no interest, just testing, just poking, nothing to buy, not buying, not in the market, don't need a, do not need a, wrong number, just kidding,
  already have one and, we're all set, all set thanks, no longer need, no longer looking, not a customer, don't want to buy, we don't need it, please remove me, unsubscribe, not at present, just the job, only enquiring about, wrong tab
reason: because, so that, since, due to, as a result, which means, that's why, every time, whenever, turns out, after, thing is, the trouble, the problem, the issue, main issue

# timing
immediate: asap=0, right away=0, immediately=0, as soon as possible=0, straight away=0, right now=0, now now=0, today=0, tonight=0, tomorrow=1, yesterday=0, urgent=0, urgently=0, this week=3, this month=20, as soon as=5,
  as early as possible=0, the sooner the better=0, soon as=5, quickly=10, fast=10, any day now=5, in no time=5, ready to start=0, ready to go=0, ready to buy=0, ready to sign=0, start immediately=0, sooner rather than later=20, at once=0, pronto=0, shortly=30, very soon=20, in the coming weeks=30, in the next few weeks=30, coming weeks=30, this quarter=60, the other day=-5, before the weekend=5, end of the week=5, by the weekend=5, hurry=0, as quickly as=5, next few weeks=30, next couple of weeks=14, next couple weeks=14, soon=30, first thing=1, overnight=1
no_rush: next year or the year after, no rush, no hurry, not in a hurry, not in a rush, no urgency, not urgent, no time pressure, no deadline, no particular deadline, just exploring, just browsing, just looking, only looking, just researching, just gathering info*, exploring options, exploring, early days, early stage*,
  someday, one day, some day, eventually, down the road, down the line, whenever, not any time soon, not anytime soon, not soon, at some point, no fixed date, no date yet, no timeline, no plans yet, long term, long-term, in the long run, in a few years, couple of years, not this year, not looking to buy anything this year, no immediate plans,
  not for a while, much later, just curious, just comparing, for the future, in the future, far off, far away, not a priority, low priority, plenty of time, take our time, taking our time, only window shopping, window shopping, nothing urgent, not pressing, not until next year, maybe next year, sometime next year, testing the waters, only exploring, still exploring, no real timeline, haven't got a date, not tied to a date, in no rush, in no hurry, not in any hurry, not in any rush
month: january=1, february=2, march=3, april=4, may=5, june=6, july=7, august=8, september=9, october=10, november=11, december=12
weekday: monday, tuesday, wednesday, thursday, friday, saturday, sunday, mondays
season: spring=3, summer=6, autumn=9, fall=9, winter=12
holiday: christmas=1, xmas=1, easter=3, carnival=2, thanksgiving=7, new year=6, new years=6, new year's=6, christmas holidays=1, summer holidays=10, school holidays=10, summer break=10, diwali=11, holi=12, monsoon=13, eid=21, ramadan=20, back to school=14, black friday=8, halloween=9, valentine's=15, valentines=15, mother's day=16, holiday season=8, peak season=8, academic year=14, school year=14, school starts=14, holidays=1, september school holidays=25, spring break=3, labor day=17, memorial day=18, fourth of july=19, july 4th=19, chinese new year=15, pentecost=22
span: day=1, days=1, week=7, weeks=7, month=30, months=30, quarter=91, quarters=91, year=365, years=365, wk=7, wks=7, mths=30, yrs=365, fortnight=14, yr=365, semester=182, term=100, half year=182, weekend=3
next: next, coming, following, upcoming, the new, new, of next
this: this, current, the current
early: early, start of, beginning of, first week of, first half of, the start of, first days of, top of, early in, first thing in
middle: mid, middle of, mid of, halfway through, second week of, third week of
late: end of, late, the end of, last week of, close of, latter half of, second half of, eoy=0, year end=0, year-end=0, the last week of, late in
in: in, within, under, inside of, about, another, next, over the next, in the next, for another
after: from now, from today, out, later, away, time, months' time, s time, until then, left, to go, max
by: by, before, until, till, from, for, no later than, not later than, latest, starting, as of, at the latest, up by, ahead of, prior to, on, in time for, around, after, sometime in, towards, toward, aiming for, target*, early, realistically, hopefully, ideally, at the earliest, the earliest, earliest
start: start, starting, starts, begin, beginning, begins, live, go live, go-live, in place, running, up and running, launch, launching, roll out, roll-out, rollout, deploy*, implement*, switch, switching, kick off, kickoff, cut over, cutover, moved over, moving over, move, migrate*, installed, install, done, ready, delivered, operational, onboard, sign, signed, buy, purchase, in use, need it, need this, needed, want it, have it, must work, get going, get started, up by, mobilisation, mobilization, implementation, sorted, fixed, finished, complete, go with, decide by, decision by, choose by, report by, going, test it, the works, would begin, we would begin, it in, in before, lock it in, book it, booked, move in
deadline: deadline*, due, expires, expire, contract ends, contract is up, contract runs out, runs out, renewal, ends, end on, opens, open, we open, opening, audit is, audit on, comes on, moves, lease ends, season starts, event is, wedding is, go-live, freeze, finish on, finishes, finish, power goes off, shuts down, shut down, license expires, licence expires, the exam, exam is, exam, inspection, tender closes, on-sale, fest, conference, trade show, launch is, move is, relocation, closing on, completion, deadline is, wants it, wants it on, needs it, intake, peak, licence is up, subscription ends, term ends, support ends, go dark, wind down, leaves, leaving, must be, has to be, needs to be
meeting: call me, a call, demo, meeting, meet, chat, talk, visit, tour, appointment, available for, interview, come by, pop in, viewing, phone, ring, slot, free on, reach me, see it, showings, holiday until, out of office, on vacation, get back, send the, send it, webinar, promo, offer ends, discount ends, documents go out
fiscal: fiscal year, financial year, fiscal, tax year, budget year, our year
fiscal_start: fiscal year starts, fiscal year begins, financial year starts, financial year begins, our year starts, ours begins, ours starts, year starts, year begins, fy starts, fy begins, fiscal starts, fiscal begins, starts our fiscal, fiscal year is
fiscal_end: year end is, year ends, fiscal year ends, financial year ends, year-end is, fy ends, year end, books close
quarter: first quarter=1, second quarter=2, third quarter=3, fourth quarter=4, last quarter=4, 1st quarter=1, h2=3, h1=1
of: of, the, s
day_of: the, on the

# context
customer: i am a customer, i'm a customer, im a customer, we're customers, we are customers, existing customer, your customer, our account, my account, our subscription, my subscription, our plan, my plan, we're on the ~ plan, on the ~ plan, we use your, i use your, been using your, been with you, customers since, customer since, been on it, our contract with you, my order, order number, our invoice, your invoice,
  my invoice, we already use, already a customer, already have your, the course my, existing client, your client, since we signed, current customer, our instance, my hospital uses, my company uses your, we downgraded, we upgraded, bought from you, you installed, you delivered, your technician
support: error, 502, 500 error, 404, 429*, doesn't load, won't load, not loading, can't log in, cant log in, cannot log in, log in, login, password, reset, stopped working, is down, isn't working, not working, invoice for, invoice number, wrong invoice, charged twice, double charged, refund, cancel my, cancel our, ticket, since the update, api key, webhook, request id, bug, broken since, it says, can't access, cannot access, how do i, where do i find, where can i find, still waiting for my, my delivery, downgraded, the certificate, locked out, outage on your, crashed, the app keeps, credit note, billing issue, update my card, wrong amount, not receiving, sync is broken, support team, warranty, your bot, is your server, tracking number, where is my order, not syncing
job: job, jobs, position, vacancy, vacancies, hiring, my cv, my resume, résumé, cover letter, apply, applying, application for, internship, open role*, recruiter, employment, career*, hr department contact, work for you, looking for work, salary expectations, notice period, attached my, are you hiring, still open, join your team, spontaneous application, apprenticeship
vendor: offer you our, offer our, agency and we help, we help firms, worth a chat, firms like yours, companies like yours, businesses like yours, more installs, we help companies, we help businesses, we help brands, we've helped, weve helped, we offer, we provide, our agency, our services, we are a supplier, we are manufacturer, we are a manufacturer, manufacturer of, we are factory, supply to you, offer you our, partner with you, partnership opportunity, promote your, boost your, increase your, grow your, your website ranking, rank your, guarantee, packages start, our packages, quick call to discuss how we, i came across your, browsing your site, visited your website,
  bump this, bumping this, we can supply, free sample, our product can, providing the service to you, free audit, your competitors are, our clients include, lead generation service*, sell you, would you be interested in our, introduce our, outsourcing partner, offshore, we specialise in, we specialize in, do you outsource, collaborate with your, sponsor*, affiliate, reseller, hope this email finds you
homework: homework, assignment, thesis, dissertation, university project, school project, college project, final year project, research paper, my professor, my supervisor, my teacher, class project, term paper, essay, case study for, for my studies, my course project, my project, project report, for uni, for school, for class, presentation for, survey for, term project, capstone, coursework, bachelor's, master's student, phd
wrong_place: wrong number, wrong tab, wrong chat, wrong person, wrong window, wrong company, is this the pharmacy, is this the, is that the, this isn't, isn't this, i thought this was, meant for someone else, sorry wrong, my prescription, mistaken, misdial*, wrong page, wrong site, pizza
tester: qa team, testing your bot, testing the bot, test the bot, just testing, poke at bots, are you a bot, are you human, are you a real person, seeing if this works
injection: ignore all, ignore your, ignore previous, ignore the above, set ~ to decision, give me ~ score, increase my score
expansion: not why im here, not why i'm here, on top of what we have, upgrade, add more, additional, more seats, more licences, more licenses, add another, expand, extend, new site, second location, another location, for a new, also need, add-on, addon, other thing, we're buying, in addition, roll it out to, extra seats, also interested, roll out to
sign_off: regards, kind regards, best regards, best wishes, sincerely, yours sincerely, yours faithfully, cheers, warmly, many thanks, warm regards, all the best, best, sent from my

# bot questions
ask_budget: put toward, put towards, set you back, pay for it, spend on, what can you, pay, willing to pay, work for you, budget, spend, figure, how much ~ invest, how much ~ spend, how much ~ set aside, price range, amount, to invest, cost range, comfortable, afford, money, ceiling, put by, set aside, stay under, monthly fee, earmarked, what would you like to spend, per month be, a year be, workable, realistic for you, range in mind, funds, approved, what are you paying
ask_authority: decision*, decide*, who approves, approve*, sign*, decision maker, your role, what is your role, your position, involved, the one who, would agree the contract, on your own, yourself the, choosing, choose, order it, weighs in, who's driving, authority, responsible for, in charge, job title, do you handle, final say, looking after the choice, who picks, be happy with it, parents helping
ask_others: check with, consult, run it by, sign-off from, approval from, loop in, who else, anyone else, anybody else, somebody else, other people, other stakeholders, others involved, someone else, need to be happy, need to agree
ask_owner: own the, are you the owner, do you own, your own home, your own place, your own house, is it your practice, is it your company, your business, is it your own, own or rent, yourself or, for yourself, is it for you, your place, the owner of, your company
ask_timing: when, how soon, by when, what date, start date, time frame, timeframe, timeline, how quickly, time line, deadline, target date, go live, any date, is there a date, timing, how urgent, how hard is the deadline, rush, a start would be
ask_need: what brings, how can i help, how can we help, what can i do for you, main issue, what's the issue, whats the issue, problem, challenge*, pain, what's up, what's happening, whats happening, bother*, trouble, to fix, like to solve, goal*, going on, looking for, what do you need, tell me, unhappy with, what are you after, gap you, what are you thinking of, what would the, success look like, interested in, curious, what are you trying, what made you, reason, help you
ask_above: above, over, more than, at least
