-- The inbox: what it is sorted by, causes and known problems, merged tickets, and mail that came in.

-- What went wrong, in words that can be counted.
create table cause_code (
    code text primary key check (code ~ '^[a-z][a-z0-9_]{1,39}$'),
    zh text not null check (zh <> ''),
    en text not null check (en <> ''),
    topics text[] not null default '{}',
    groups text[] not null default '{}',
    active boolean not null default true,
    version int not null default 1,
    changed_by text not null default 'system',
    changed_at timestamptz not null default now()
);
comment on column cause_code.topics is 'complaints it explains; groups: of events';

-- What is known to go wrong, and the way to put it right.
create table known_problem (
    id bigint generated always as identity primary key,
    zh jsonb not null,
    en jsonb not null,
    topics text[] not null default '{}',
    groups text[] not null default '{}',
    detectors text[] not null default '{}',
    sectors text[] not null default '{}',
    cause_code text references cause_code,
    active boolean not null default true,
    version int not null default 1,
    changed_by text not null default 'system',
    changed_at timestamptz not null default now()
);
comment on column known_problem.zh is 'title, symptoms, and steps (a list)';
comment on column known_problem.sectors is 'none: every sector';

alter table ticket add column cause_code text, add column reporter jsonb not null default '{}';
-- Both are computed once for every ticket there is: seconds for a million.
-- squawk-ignore adding-field-with-default
alter table ticket add column next_due timestamptz generated always as (case when responded_at is null then response_due else resolution_due end) stored;
-- squawk-ignore adding-field-with-default
alter table ticket add column queue smallint generated always as (case when waiting_since is not null then 2 when urgent then 0 else 1 end) stored;
comment on column ticket.queue is 'urgent ones first; those that wait for the customer last';
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table ticket add constraint ticket_cause_fkey foreign key (cause_code) references cause_code;
-- A wider list than before: every row there is fits it.
-- squawk-ignore ban-drop-constraint
alter table ticket drop constraint ticket_source_check;
alter table ticket add constraint ticket_source_check
    check (source in ('meter', 'hotline', 'counter', 'web', 'message', 'mail', 'system')) not valid;
comment on column ticket.reporter is 'who brought it: name, phone, email';

-- squawk-ignore require-concurrent-index-creation
create index ticket_inbox_idx on ticket (queue, next_due, id)
    where state in ('open', 'acknowledged', 'responded', 'reopened');
-- squawk-ignore require-concurrent-index-creation
create index ticket_desk_idx on ticket (assignee_id, queue, next_due, id)
    where state in ('open', 'acknowledged', 'responded', 'reopened');
-- squawk-ignore require-concurrent-index-creation
create index ticket_merged_idx on ticket (merged_into) where merged_into is not null;
-- squawk-ignore require-concurrent-index-creation
create index ticket_source_idx on ticket (source, opened_at desc, id desc) where source <> 'meter';
-- squawk-ignore require-concurrent-index-creation
create index ticket_topic_idx on ticket (topic, opened_at desc, id desc) where topic is not null;
-- squawk-ignore require-concurrent-index-creation
create index ticket_cause_idx on ticket (resolved_at) where cause_code is not null;

-- Pairs of neighbouring characters: they find words of two characters, which trigrams don't.
create function headwater_pairs(said text) returns text[] language sql immutable strict parallel safe
    return (select array_agg(distinct substr(lower(said), n, 2)) from generate_series(1, length(said) - 1) n);
-- squawk-ignore require-concurrent-index-creation
create index ticket_subject_idx on ticket using gin (headwater_pairs(subject)) where subject <> '';
-- With the owner's rights: row-level security would bar the index. Who asks sees no more by it, as the ids
-- are looked up among the tickets that they may see.
create function headwater_tickets_about(said text) returns setof bigint
    language sql stable rows 50 security definer set search_path = public, pg_temp as $$
    select id from ticket
    where subject <> '' and headwater_pairs(subject) @> headwater_pairs(said) and strpos(lower(subject), lower(said)) > 0
    order by id desc limit 5000
$$;

-- A merged ticket keeps its events and history; what comes later goes to the one it was merged into.
create function ticket_survivor(ticket_id bigint) returns bigint language sql stable as $$
    with recursive up (id, merged_into) as (
        select t.id, t.merged_into from ticket t where t.id = ticket_id
        union
        select t.id, t.merged_into from up join ticket t on t.id = up.merged_into)
    select id from up where merged_into is null
$$;
create function ticket_family(ticket_id bigint) returns setof bigint language sql stable rows 2 as $$
    with recursive down (id) as (
        select ticket_id
        union
        select t.id from down join ticket t on t.merged_into = down.id)
    select id from down
$$;

-- Mail that came in, each once.
create table mail_in (
    message_id text primary key,
    received_at timestamptz not null,
    sender text not null,
    outcome text not null check (outcome in ('opened', 'joined', 'continued', 'bounce', 'automatic', 'own')),
    ticket_id bigint references ticket
);
create index mail_in_ticket_idx on mail_in (ticket_id);
-- squawk-ignore require-concurrent-index-creation
create index customer_email_idx on customer (lower(email)) where email <> '';

grant select on cause_code, known_problem to headwater_api, headwater_notify;
grant insert, update on cause_code, known_problem to headwater_api;
grant update (priority, urgent, sla, merged_into, cause_code, topic, subject, said, reporter) on ticket to headwater_api;
grant delete on ticket_relation to headwater_api, headwater_notify;
grant select, insert, update on mail_in to headwater_notify;
grant select on mail_in to headwater_api;
alter table mail_in enable row level security;
create policy mail_in_api on mail_in for all to headwater_api
    using ((select headwater_sees_all()) or exists (select from ticket t where t.id = ticket_id));
create policy mail_in_service on mail_in for all to headwater_notify using (true) with check (true);

-- What water services meet most often.
insert into cause_code (code, zh, en, topics, groups) values
    ('toilet_leak', '马桶水箱漏水', 'Leaking toilet cistern', '{leak,bill}', '{leak}'),
    ('tap_leak', '龙头、软管或角阀滴漏', 'Dripping tap, hose or stop valve', '{leak,bill}', '{leak}'),
    ('inner_pipe_leak', '户内管道漏水', 'Leak in the customer''s own pipework', '{leak,bill,low_pressure}', '{leak,industrial}'),
    ('service_pipe_leak', '表前进户管漏水', 'Leak in the service pipe ahead of the meter', '{leak,low_pressure,no_water}', '{network,pressure}'),
    ('main_burst', '供水主管爆裂', 'Burst main', '{leak,no_water,low_pressure}', '{network,pressure,leak}'),
    ('valve_leak', '阀门或接头漏水', 'Leaking valve or joint', '{leak}', '{network,leak}'),
    ('third_party_damage', '施工挖断或碰损管道', 'Pipe damaged by other people''s works', '{leak,no_water}', '{network,leak}'),
    ('frozen_pipe', '水管或水表冻堵、冻裂', 'Frozen or frost-burst pipe or meter', '{no_water,leak,meter}', '{leak,device}'),
    ('tank_overflow', '水箱、水池浮球阀失灵溢流', 'Tank overflows: float valve failed', '{leak,bill}', '{leak,industrial}'),
    ('left_open', '用水后未关', 'Tap or hose left running', '{leak,bill}', '{leak,industrial}'),
    ('usual_use', '用水确有变化，属正常', 'Use has really changed and is proper', '{bill,other}', '{leak,industrial,plan,profile,network}'),
    ('process_fault', '生产用水设备故障', 'Fault in the customer''s process plant', '{bill,other}', '{industrial,plan}'),
    ('planned_outage', '计划停水', 'Planned interruption', '{no_water,low_pressure}', '{pressure,network,industrial}'),
    ('valve_closed', '阀门误关或未全开', 'Valve closed, or not fully open', '{no_water,low_pressure}', '{pressure,industrial}'),
    ('pump_failure', '二次加压设备故障', 'Booster pump failed', '{no_water,low_pressure}', '{pressure,network}'),
    ('filter_blocked', '表前滤网或管道堵塞', 'Blocked strainer or pipe', '{low_pressure,no_water}', '{device}'),
    ('peak_demand', '用水高峰管网压力不足', 'Demand at the peak lowers the network''s pressure', '{low_pressure}', '{pressure,network}'),
    ('sediment', '管道沉积物扰动，水色异常', 'Sediment stirred up, discoloured water', '{quality}', '{network}'),
    ('air_in_water', '水中带气，呈乳白色', 'Air in the water, milky look', '{quality}', '{network}'),
    ('chlorine_taste', '余氯或管材异味', 'Taste of chlorine or of the pipe', '{quality}', '{}'),
    ('meter_stuck', '水表停走', 'Meter register stands still', '{meter,bill}', '{device}'),
    ('meter_inaccurate', '水表计量失准', 'Meter measures wrongly', '{meter,bill}', '{device}'),
    ('meter_reversed', '水表装反或倒流', 'Meter fitted backwards, or back-flow', '{meter,bill}', '{device}'),
    ('meter_exchanged', '换表后资料未更新', 'Meter exchanged, record not updated', '{meter,bill}', '{device}'),
    ('battery_flat', '水表电池耗尽', 'Meter battery is flat', '{meter}', '{device}'),
    ('radio_fault', '远传通信故障', 'Meter can''t be heard: radio or gateway', '{meter}', '{device}'),
    ('tampering', '私拆、私接或磁干扰', 'Tampering, by-pass or magnet', '{meter,other}', '{device}'),
    ('estimated_reading', '估抄或错抄', 'Estimated or wrong reading', '{bill}', '{}'),
    ('tariff_wrong', '水价类别或户口资料有误', 'Wrong tariff or household data', '{bill,service}', '{profile}'),
    ('occupancy_changed', '居住人口或用房情况变化', 'Another number of residents, or other use of the building', '{bill,service}', '{profile,plan}'),
    ('customer_away', '用户外出，家中无人', 'Customer is away', '{other,service}', '{welfare,profile,device}'),
    ('customer_needs_help', '独居用户需要帮助', 'Customer living alone needed help', '{other,service}', '{welfare}'),
    ('no_fault', '现场未发现异常', 'Nothing found on site', '{leak,no_water,low_pressure,quality,bill,meter,service,other}', '{leak,network,pressure,industrial,plan,device,welfare,profile}');

insert into known_problem (cause_code, topics, groups, detectors, sectors, zh, en) values
    ('toilet_leak', '{leak,bill}', '{leak}', '{continuous_flow,rising_minimum}', '{residential,institutional,commercial}',
     '{"title": "马桶水箱长流水", "symptoms": "水表昼夜不停，流量小而稳；水箱内有轻微水声，便池壁有细水线。", "steps": ["请用户关闭所有用水点，看水表小红针是否仍转动。", "在水箱内滴几滴食用色素，十五分钟后看便池是否变色。", "关闭马桶角阀，若水表停走即可确认。", "更换密封圈或进水阀，次日核对夜间最小流量。"]}',
     '{"title": "Toilet cistern runs on", "symptoms": "The meter never rests, with a small steady flow; a faint sound in the cistern, a thread of water in the bowl.", "steps": ["Ask the customer to close every tap and to look whether the meter still turns.", "Put some food colouring into the cistern and look at the bowl after fifteen minutes.", "Close the stop valve of the toilet: if the meter rests, that was it.", "Replace the seal or the inlet valve; check the night minimum the day after."]}'),
    ('tap_leak', '{leak,bill}', '{leak}', '{continuous_flow,rising_minimum,steady_flow}', '{}',
     '{"title": "龙头、软管、热水器泄压阀滴漏", "symptoms": "小流量持续，多为每小时数升；洗衣机、净水器、热水器下方潮湿。", "steps": ["逐个关闭角阀，观察水表何时停走。", "检查净水器排水、热水器泄压阀和洗衣机软管。", "更换垫片、阀芯或软管。"]}',
     '{"title": "Dripping tap, hose or relief valve", "symptoms": "A small flow that stays, mostly a few litres an hour; damp under the washing machine, water filter or boiler.", "steps": ["Close the stop valves one by one and watch when the meter rests.", "Look at the drain of the water filter, the boiler''s relief valve and the washing machine''s hose.", "Replace the washer, cartridge or hose."]}'),
    ('inner_pipe_leak', '{leak,bill,low_pressure}', '{leak}', '{continuous_flow,rising_minimum,burst}', '{}',
     '{"title": "户内暗管漏水", "symptoms": "关闭全部用水点后水表仍走；墙面、地面潮湿或楼下渗水。", "steps": ["请用户立即关闭表后阀，避免继续损失。", "分段关阀，判断是厨房、卫生间还是干管。", "必要时转介持证检漏人员听漏定位。", "修复后恢复供水，次日核对夜间用量；提醒用户保留维修凭证以便申请水费减免。"]}',
     '{"title": "Hidden leak in the customer''s pipes", "symptoms": "The meter turns with every tap closed; damp walls or floor, or water at the neighbour below.", "steps": ["Ask the customer to close the valve behind the meter at once.", "Close the branches in turn: kitchen, bathroom, riser.", "Name a certified leak finder if it can''t be seen.", "After the repair check the night''s use; tell the customer to keep the bill of the repair for an allowance."]}'),
    ('left_open', '{leak,bill}', '{leak}', '{burst,continuous_flow}', '{}',
     '{"title": "用水未关或软管脱落", "symptoms": "流量突然变大并持续，接近用户平时最大用水量；可能无人在家。", "steps": ["立即电话联系用户及紧急联系人。", "联系不上时通知物业或网格员上门查看。", "征得同意后关闭表前阀，并张贴告知单。", "恢复后与用户确认有无室内水损。"]}',
     '{"title": "Tap left running, or a hose came off", "symptoms": "A large flow all of a sudden that stays, near the customer''s usual maximum; perhaps nobody is at home.", "steps": ["Phone the customer and the emergency contact at once.", "If nobody answers, ask the caretaker to look.", "With consent close the valve ahead of the meter and leave a notice.", "Afterwards ask about damage inside."]}'),
    ('tank_overflow', '{leak,bill}', '{leak,industrial}', '{continuous_flow,level_shift,rising_minimum}', '{industrial,commercial,institutional}',
     '{"title": "水箱、消防水池溢流", "symptoms": "夜间流量稳定，不随营业时间变化；溢流管有水，水位一直在满位。", "steps": ["请用户查看屋顶水箱、消防水池的溢流口。", "检查浮球阀或液位控制，清理卡滞。", "更换后记录停表时间，隔日复核夜间基础流量。", "建议加装液位报警。"]}',
     '{"title": "Roof or fire tank overflows", "symptoms": "A steady flow at night that doesn''t follow working hours; water at the overflow, level always full.", "steps": ["Ask the customer to look at the overflow of roof and fire tanks.", "Free or replace the float valve or level control.", "Note when the meter rested; look at the night base load the day after.", "Suggest a level alarm."]}'),
    ('main_burst', '{leak,no_water,low_pressure}', '{network,pressure,leak}', '{main_burst,pressure_drop,burst}', '{}',
     '{"title": "主管爆裂", "symptoms": "片区流量骤升、压力骤降；路面冒水、塌陷，多户同时来电。", "steps": ["派抢修班组到现场，先确保交通和人身安全。", "按阀门图关闭最小范围阀门，登记停水影响用户。", "登记突发停水，发布原因、预计恢复时间和应急供水点。", "修复后冲洗、测浊度，再逐级开阀恢复并回访。"]}',
     '{"title": "Burst main", "symptoms": "Inflow of the district rises and pressure falls; water in the street, subsidence, several callers at once.", "steps": ["Send the repair crew; make traffic and people safe first.", "Close the fewest valves by the valve map and note who is cut off.", "Open an unplanned outage: why, until when, where emergency water is.", "After the repair flush, measure turbidity, open the valves step by step and call back."]}'),
    ('service_pipe_leak', '{leak,low_pressure,no_water}', '{network}', '{night_flow,water_balance}', '{}',
     '{"title": "表前进户管漏水", "symptoms": "表井或门前地面潮湿，用户水表不走字但片区夜间流量偏高。", "steps": ["到场听漏，核对表井积水来源。", "关闭进户阀确认后安排开挖修复。", "属供水企业资产，不向用户收费；告知预计完成时间。"]}',
     '{"title": "Leak in the service pipe", "symptoms": "Wet meter pit or pavement; the customer''s meter rests but the district''s night flow is high.", "steps": ["Listen on site and find where the water in the pit comes from.", "Close the ferrule to make sure, then have it dug up and repaired.", "It is the utility''s pipe: no charge; tell the customer until when."]}'),
    ('third_party_damage', '{leak,no_water}', '{network,leak}', '{main_burst,burst,pressure_drop}', '{}',
     '{"title": "施工损坏管道", "symptoms": "附近有开挖施工，突然喷水或停水。", "steps": ["要求施工方停工并保护现场，拍照取证。", "关阀、抢修，登记突发停水。", "留存损失水量和影响户数，移交法务追偿。"]}',
     '{"title": "Pipe damaged by works", "symptoms": "Digging near by, water sprays or supply fails all at once.", "steps": ["Have the works stopped and the place secured; take photographs.", "Close valves, repair, open an unplanned outage.", "Keep the volume lost and the customers hit for the claim."]}'),
    ('frozen_pipe', '{no_water,leak}', '{leak}', '{burst,continuous_flow}', '{}',
     '{"title": "水管、水表冻堵或冻裂", "symptoms": "寒潮后无水，或回暖时突然大流量；表罩结霜、玻璃破裂。", "steps": ["提醒用户勿用明火，用不超过 50 ℃ 的温水或热毛巾从龙头端向里化冻。", "化冻前先关表前阀，防止化冻后喷水。", "更换冻裂水表，记录新旧表底数。", "给管道和表箱加保温，关注下一次寒潮预警。"]}',
     '{"title": "Frozen or frost-burst pipe or meter", "symptoms": "No water after a frost, or a large flow when it thaws; ice on the meter, broken glass.", "steps": ["No open flame: warm water up to 50 °C or hot cloths, from the tap inwards.", "Close the valve ahead of the meter before thawing.", "Replace a burst meter and note both registers.", "Lag pipe and box; mind the next frost warning."]}'),
    ('planned_outage', '{no_water,low_pressure}', '{pressure,network}', '{}', '{}',
     '{"title": "计划停水范围内", "symptoms": "用户在公告的停水区域和时段内，邻居同样无水。", "steps": ["核对地址是否在停水公告范围。", "告知原因、恢复时间和最近的应急供水点。", "医院、学校、透析用户等安排送水。", "恢复后提醒先放水数分钟至水清。"]}',
     '{"title": "Within a planned interruption", "symptoms": "The customer lies in the announced area and time; the neighbours have none either.", "steps": ["Check the address against the notice.", "Say why, until when, and where emergency water is.", "Have water brought to hospitals, schools and those on dialysis.", "Afterwards let the tap run for some minutes until it is clear."]}'),
    ('valve_closed', '{no_water,low_pressure}', '{pressure}', '{}', '{}',
     '{"title": "阀门误关或未全开", "symptoms": "仅一户或一栋无水、水小，邻近正常；近期有维修或换表。", "steps": ["请用户查看表前、表后阀门手柄位置。", "核对近期施工、换表记录。", "到场全开阀门，测静压和动压并记录。"]}',
     '{"title": "Valve closed, or not fully open", "symptoms": "One home or building only, the neighbours are fine; a repair or meter exchange not long ago.", "steps": ["Ask the customer how the handles ahead of and behind the meter stand.", "Look at recent works and meter exchanges.", "Open the valve fully on site; note static and flowing pressure."]}'),
    ('pump_failure', '{no_water,low_pressure}', '{pressure,network}', '{low_pressure,pressure_drop}', '{}',
     '{"title": "二次供水泵房故障", "symptoms": "高层无水、低层正常；停电或泵房报警。", "steps": ["联系泵房责任单位，确认停电、液位或变频器故障。", "启用备用泵或旁通供水。", "在楼道张贴告示，告知预计恢复时间。", "恢复后抽查顶层压力。"]}',
     '{"title": "Booster pump failed", "symptoms": "The upper floors have none, the lower ones do; a power cut or an alarm in the pump room.", "steps": ["Call who runs the pumps: power, level or drive?", "Start the spare pump or open the by-pass.", "Put up a notice with the time of restoration.", "Afterwards measure the pressure on the top floor."]}'),
    ('filter_blocked', '{low_pressure,no_water}', '{pressure,device}', '{low_pressure}', '{}',
     '{"title": "滤网、龙头起泡器堵塞", "symptoms": "水量逐渐变小，单个龙头或单户；施工后更明显。", "steps": ["请用户拆洗龙头起泡器、净水器前置滤网。", "关表前阀，清洗水表滤网。", "仍小则测入户压力，排查进户管结垢。"]}',
     '{"title": "Blocked strainer or aerator", "symptoms": "Flow has become less little by little, at one tap or one home; worse after works.", "steps": ["Ask the customer to clean the aerator and the filter''s strainer.", "Close the valve and clean the meter''s strainer.", "If it stays, measure the pressure at the entry and look for a furred-up pipe."]}'),
    ('peak_demand', '{low_pressure}', '{pressure,network}', '{low_pressure}', '{}',
     '{"title": "高峰时段水压低", "symptoms": "早晚高峰水小，平时正常；片区压力曲线同步下降。", "steps": ["调阅片区压力曲线，与服务压力标准比对。", "错峰前后各测一次入户压力。", "报调度调整泵站出口压力或阀门开度。", "答复用户措施和完成时间，一周后回访。"]}',
     '{"title": "Low pressure at the peak", "symptoms": "Weak in the morning and evening only; the district''s pressure falls with it.", "steps": ["Hold the district''s pressure against the service minimum.", "Measure at the entry within and outside the peak.", "Ask operations to change the pump''s outlet pressure or a valve.", "Tell the customer what and until when; call back after a week."]}'),
    ('sediment', '{quality}', '{network}', '{}', '{}',
     '{"title": "水黄、水浑", "symptoms": "停水恢复或附近用水骤增后水发黄发浑，放一会儿变清。", "steps": ["询问开始时间、冷热水是否都浑、邻居是否同样。", "建议先放冷水五至十分钟，期间勿洗浅色衣物。", "半小时仍不清，派人取样并冲洗管段末梢。", "登记水质投诉，化验结果书面答复。"]}',
     '{"title": "Yellow or cloudy water", "symptoms": "After a restoration or a sudden draw near by; it clears when it runs for a while.", "steps": ["Ask since when, cold and hot or hot alone, neighbours too?", "Let cold water run for five to ten minutes; no light-coloured washing meanwhile.", "If it isn''t clear after half an hour, take a sample and flush the end of the main.", "Note it as a quality complaint and answer with the laboratory''s result."]}'),
    ('air_in_water', '{quality}', '{network}', '{}', '{}',
     '{"title": "水呈乳白色", "symptoms": "接一杯水静置，自下而上变清，无异味。", "steps": ["请用户用透明杯静置两分钟观察。", "解释为溶解空气释放，对健康无害。", "持续多日则检查附近排气阀。"]}',
     '{"title": "Milky water", "symptoms": "In a glass it clears from the bottom up; no smell.", "steps": ["Ask the customer to let a clear glass stand for two minutes.", "Explain: dissolved air comes out, it is harmless.", "If it lasts for days, check the air valves near by."]}'),
    ('chlorine_taste', '{quality}', '{}', '{}', '{}',
     '{"title": "自来水有氯味或异味", "symptoms": "晨起或长时间未用水时明显，煮沸后减轻。", "steps": ["确认是否仅早晨、仅一个龙头、是否装净水器。", "建议放水后使用，更换净水器滤芯。", "测余氯并与标准限值比对，超标立即上报水质部门。"]}',
     '{"title": "Taste of chlorine, or odd smell", "symptoms": "Most in the morning or after an absence; less when boiled.", "steps": ["Ask: mornings only, one tap only, a water filter?", "Let it run first; have the filter''s cartridge changed.", "Measure free chlorine against the limit; above it call the laboratory at once."]}'),
    ('meter_stuck', '{meter,bill}', '{device}', '{stuck,zero_use}', '{}',
     '{"title": "水表停走", "symptoms": "用户正常用水但读数不变；远传读数多日不变。", "steps": ["现场开一个龙头，看指针是否转动。", "检查滤网杂质，轻敲无效即换表。", "按同期用量推算停走期间水量，与用户书面确认。"]}',
     '{"title": "Meter stands still", "symptoms": "The customer uses water but the register doesn''t move, for days.", "steps": ["Open a tap on site and look at the pointer.", "Look for dirt in the strainer; if that isn''t it, exchange the meter.", "Agree in writing on the use meanwhile, from the same period before."]}'),
    ('meter_inaccurate', '{meter,bill}', '{device,industrial}', '{drift,register_jump}', '{}',
     '{"title": "用户质疑水表偏快", "symptoms": "水费高于往期，户内未发现漏水。", "steps": ["先排除漏水：关闭所有用水点五分钟看表。", "用标准量桶现场比对十升或百升。", "仍有疑问送法定机构检定，告知费用和结果处理规则。", "按检定结果退补水费。"]}',
     '{"title": "Customer doubts the meter", "symptoms": "The bill is higher than before and no leak was found.", "steps": ["First exclude a leak: five minutes with everything closed.", "Compare on site with a measured ten or hundred litres.", "If doubt remains send it to the certified laboratory; say what it costs and what follows.", "Correct the bill by the result."]}'),
    ('meter_reversed', '{meter}', '{device}', '{backflow}', '{}',
     '{"title": "水表装反或倒流", "symptoms": "读数减少，或有负用量。", "steps": ["核对表壳箭头与水流方向。", "检查止回阀和自备水源连接，防止污染。", "改正安装或更换止回阀，核减读数。"]}',
     '{"title": "Meter fitted backwards, or back-flow", "symptoms": "The register goes down.", "steps": ["Hold the arrow on the meter against the flow.", "Check the non-return valve and any private source: contamination.", "Turn the meter or replace the valve; correct the register."]}'),
    ('meter_exchanged', '{meter,bill}', '{device}', '{register_jump}', '{}',
     '{"title": "换表资料未同步", "symptoms": "读数突变，恰逢换表日期。", "steps": ["查换表工单和新旧表底数。", "在系统登记新表号、旧表止度、新表起度。", "核对当期账单，必要时重开。"]}',
     '{"title": "Meter exchanged, record not updated", "symptoms": "The register jumps on the day of an exchange.", "steps": ["Find the work order with both registers.", "Enter the new serial, last and first register.", "Check the running bill, and make it anew if need be."]}'),
    ('battery_flat', '{meter}', '{device}', '{low_battery,silent}', '{}',
     '{"title": "水表电池电量低", "symptoms": "上报电压持续下降，或通信时断时续。", "steps": ["列入换电池或换表计划，优先大用户。", "更换时核对底数，冬季提前安排。", "更换后确认连续两日上报正常。"]}',
     '{"title": "Meter battery is low", "symptoms": "The voltage told goes down, or it is heard now and then only.", "steps": ["Put it on the plan of exchanges, large customers first.", "Note the register at the exchange; before the winter.", "Make sure it is heard on two days running."]}'),
    ('radio_fault', '{meter}', '{device}', '{silent,clock_skew}', '{}',
     '{"title": "远传不通", "symptoms": "多日无读数；同一集中器或井盖下多只表同时失联。", "steps": ["看同一集中器下其他表是否正常，判断是单表还是集中器。", "检查天线、井盖、积水和供电。", "补抄人工读数，避免估抄。", "更换模块或集中器后等待补传。"]}',
     '{"title": "Meter can''t be heard", "symptoms": "No readings for days; several under one gateway or one cover.", "steps": ["Look whether others of the same gateway are heard.", "Check aerial, cover, water in the pit, power.", "Read it by hand so that nobody is billed an estimate.", "Exchange the module or gateway, then wait for what was kept."]}'),
    ('tampering', '{meter,other}', '{device}', '{tamper,backflow,register_jump}', '{}',
     '{"title": "私拆水表、磁干扰", "symptoms": "磁报警、拆卸报警，或用量突然归零。", "steps": ["两人到场，拍照记录铅封和安装状态。", "勿与用户争执，按规定开具现场记录单。", "恢复安装、加铅封，移交稽查。"]}',
     '{"title": "Tampering or magnet", "symptoms": "An alarm of magnet or removal, or use falls to nothing.", "steps": ["Go in two; photograph seals and fitting.", "Don''t argue; write the record of the visit.", "Put it right, seal it, and hand over to inspection."]}'),
    ('process_fault', '{other,bill}', '{industrial,plan}', '{level_shift,off_shift,drift,spike,plan_overrun}', '{industrial}',
     '{"title": "冷却、软化等设备用水异常", "symptoms": "停产时段仍有用水，或基础流量抬升；冷却塔补水、软化反洗常见。", "steps": ["约客户设备主管，一起看分班次用水曲线。", "检查冷却塔浮球阀、排污阀，软化器反洗程序。", "关闭一条生产线对比流量，定位到车间。", "给出节水建议并约定复查日期。"]}',
     '{"title": "Cooling or softening plant uses too much", "symptoms": "Use while production rests, or a higher base load; often make-up of a cooling tower or back-wash.", "steps": ["Look at the use by shift together with the customer''s engineer.", "Check the tower''s float and blow-down valves, the softener''s back-wash.", "Stop one line to see which shop it is.", "Advise on savings and agree on a day to look again."]}'),
    ('usual_use', '{bill,other}', '{leak,industrial,plan,profile,network}', '{continuous_flow,burst,level_shift,plan_overrun,spike,night_flow}', '{}',
     '{"title": "用水确有增加", "symptoms": "装修、来客、注泳池、扩产等，用户能说明原因。", "steps": ["向用户了解原因和持续时间。", "在事件上登记“属正常”，必要时设定免报期限。", "更新用户资料或下月用水计划。"]}',
     '{"title": "Use has really gone up", "symptoms": "Building works, guests, a pool, more production: the customer can say why.", "steps": ["Ask why and for how long.", "Say on the event that it is normal, with an end if need be.", "Bring the profile or next month''s plan up to date."]}'),
    ('estimated_reading', '{bill}', '{}', '{}', '{}',
     '{"title": "账单读数为估抄", "symptoms": "水费与上期几乎相同或突增，表箱被遮挡。", "steps": ["请用户拍表盘照片，核对底数。", "以实抄数重算，差额下期冲抵或退回。", "清理遮挡，安排远传改造。"]}',
     '{"title": "Bill rests on an estimate", "symptoms": "Almost the same as last time, or a jump; the meter box is blocked.", "steps": ["Ask for a photograph of the register.", "Compute anew with it; set off or refund the difference.", "Clear the box; plan a meter that is read from afar."]}'),
    ('tariff_wrong', '{bill,service}', '{profile}', '{}', '{}',
     '{"title": "水价类别或人口数有误", "symptoms": "阶梯水量明显不符，或经营性质变更未登记。", "steps": ["核对户口人数、用水性质和证明材料。", "更正资料，从符合条件之月起重算。", "短信告知更正结果和下次核定时间。"]}',
     '{"title": "Wrong tariff or number of residents", "symptoms": "The steps of the tariff don''t fit, or a change of use was never entered.", "steps": ["Check residents, kind of use and papers.", "Correct the record and compute anew from the month it holds.", "Tell the customer the result and when it is looked at again."]}'),
    ('customer_needs_help', '{other,service}', '{welfare}', '{no_use_vulnerable}', '{residential}',
     '{"title": "独居老人长时间未用水", "symptoms": "平日规律用水，突然半天以上为零。", "steps": ["立即拨打本人及紧急联系人电话。", "联系不上，通知社区网格员或物业上门。", "仍无应答且有异常，报警协助。", "把结果记入用户档案，更新联系人。"]}',
     '{"title": "Somebody living alone uses no water", "symptoms": "Regular use on other days, then none for half a day and more.", "steps": ["Phone the person and the emergency contact at once.", "If nobody answers, ask the neighbourhood worker or caretaker to knock.", "If that fails and it looks wrong, call the police.", "Note the outcome in the profile, and the contact."]}');
